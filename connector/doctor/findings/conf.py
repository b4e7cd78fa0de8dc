"""drbd.conf as a whole: does drbdadm take it, is there something in it for this node?"""

from __future__ import annotations

from collections.abc import Iterator

from connector.doctor.asked import Dumped, Refused
from connector.doctor.finding import Finding, FindingId, NotLookedAt, Severity
from connector.doctor.reading import Unseen
from connector.doctor.surroundings import Surroundings


def judge(seen: Surroundings) -> Iterator[Finding | NotLookedAt]:
    """Syntax, resources of this host, and what drbdadm does not print."""
    yield from _syntax(seen)
    yield from _usage_count(seen)


def _syntax(seen: Surroundings) -> Iterator[Finding | NotLookedAt]:
    drbd = seen.drbd
    if isinstance(drbd, Unseen):
        yield NotLookedAt("drbd.conf as drbdadm reads it", drbd.why)
    elif isinstance(drbd, Refused):
        yield Finding(
            FindingId.DRBD_CONF_REFUSED,
            Severity.CRITICAL,
            f"drbdadm dump-xml says: {drbd.said}",
            "as long as drbdadm refuses its configuration no command of it works, and nothing "
            "heals this pair",
            "mend what it names, then try: drbdadm dump",
            where=drbd.where,
        )
    elif isinstance(drbd, Dumped) and not drbd.resources:
        yield Finding(
            FindingId.NO_RESOURCE_HERE,
            Severity.WARNING,
            f"no resource has a section for {seen.host}",
            "connector acts on the resources of this host only, and drbdadm knows none",
            f"write `on {seen.host}` (what uname -n says) into the resource, or define one in "
            "/etc/drbd.d/",
            where="/etc/drbd.conf",
        )


def _usage_count(seen: Surroundings) -> Iterator[Finding | NotLookedAt]:
    """The default is `ask` (drbd.conf-9.0(5); 8.4's drbdadm asks, too)."""
    conf = seen.conf
    if isinstance(conf, Unseen):
        yield NotLookedAt("usage-count, and where settings stand", conf.why)
        return
    for unseen in conf.unseen:
        yield NotLookedAt("a file of drbd.conf", unseen.why)
    if not conf.files:
        return
    statement = conf.usage_count()
    word = statement.words[1] if statement and len(statement.words) > 1 else None
    if word in ("no", "yes") or (word is None and conf.unseen):
        return
    yield Finding(
        FindingId.USAGE_COUNT_ASKS,
        Severity.WARNING,
        "usage-count is not set, and asks" if statement is None else f"usage-count {word or ''}",
        "drbdadm may ask a question on the terminal and try to reach a web server, in the middle "
        "of a recovery",
        "in the section global: `usage-count no;`",
        where=statement.place if statement else conf.files[0].path,
    )
