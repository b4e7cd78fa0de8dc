"""What a decision rests on besides the file: said by a person, or assumed. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from connector.decide.asking_again import asked_again_after_s
from connector.decide.context import Policy
from connector.decide.policy import TRANSIENT_LASTS_S
from connector.model import (
    ESTABLISHED,
    WAITING,
    AfterSplitBrain,
    Generation,
    Mode,
    Role,
    Use,
    UseKind,
)
from connector.report.explain.answer import About, Alternative, Case, Premise, Seen, Source
from connector.report.explain.evidence import evidence_premises, lasting, with_evidence
from connector.report.explain.said import Said, UseSaid

SOMEBODY = "a cluster manager"
# Settings that let DRBD give changes up, as drbd.conf(5) has them; the last one needs the first.
_POLICIES = (
    AfterSplitBrain(zero_primaries="discard-least-changes"),
    AfterSplitBrain(one_primary="discard-secondary"),
    AfterSplitBrain("discard-least-changes", "disconnect", "violently-as0p"),
)


def premises(seen: Seen, said: Said, policy: Policy) -> tuple[Case, tuple[Premise, ...]]:
    """The case that comes of the file, the person's word and assumptions; and each of these."""
    case = Case(
        resource=seen.resource,
        policy=policy,
        lasted_s=said.lasted_s,
        log_now_s=seen.log_now_s,
        attempts=said.attempts or 0,
        paused=said.paused,
        discard_pending=said.discard_pending,
    )
    if said.managed:
        case = replace(case, resource=replace(case.resource, managed_by=SOMEBODY))
    if said.after_sb:
        after_sb = replace(case.resource.after_sb, **said.after_sb)
        case = replace(case, resource=replace(case.resource, after_sb=after_sb))
    case = _with_use(case, _use(seen, said))
    if seen.resource.connection not in ESTABLISHED:
        case = with_evidence(case, seen, said)
    found = (
        *_name_premises(seen),
        _use_premise(case, seen, said),
        *evidence_premises(case, seen, said),
        _lasted_premise(case, said),
        _after_sb_premise(case, seen, said),
        *_remembered_premises(case, said),
        *_discard_premises(case, said),
    )
    return case, found


def _name_premises(seen: Seen) -> Iterator[Premise]:
    if About.NAME not in seen.told:
        words = "its name, and that it is a resource of the configuration"
        yield Premise(About.NAME, Source.ASSUMED, words, "--dump-xml")


# In use or not


def _use(seen: Seen, said: Said) -> UseSaid | None:
    """What the use is taken to be; None where the file's word counts."""
    if said.use is not None:
        return said.use
    if About.USE in seen.told:
        return None
    primary = seen.resource.role is Role.PRIMARY
    return UseSaid.IN_USE if primary else UseSaid.NOT_IN_USE


def _with_use(case: Case, use: UseSaid | None) -> Case:
    if use is None:
        return case
    used_by = {
        UseSaid.IN_USE: (Use(UseKind.MOUNT, "not known where"),),
        UseSaid.NOT_IN_USE: (),
        UseSaid.UNKNOWN: None,
    }[use]
    volumes = tuple(replace(volume, used_by=used_by) for volume in case.resource.volumes)
    return replace(case, resource=replace(case.resource, volumes=volumes))


_USE_WORDS = {True: "in use", False: "not in use", None: "nobody can say whether it is in use"}


def _use_premise(case: Case, seen: Seen, said: Said) -> Premise:
    words = _USE_WORDS[case.resource.in_use]
    if said.use is not None:
        return Premise(About.USE, Source.SAID, words)
    if About.USE in seen.told:
        return Premise(About.USE, Source.FILE, words)
    alternatives = tuple(
        Alternative(if_, f"--{use}", _with_use(case, use))
        for use, if_ in (
            (UseSaid.IN_USE, "it were in use"),
            (UseSaid.NOT_IN_USE, "it were not in use"),
            (UseSaid.UNKNOWN, "nobody could say whether it is in use"),
        )
    )
    options = "--in-use, --not-in-use, --use-unknown"
    return Premise(About.USE, Source.ASSUMED, words, options, alternatives)


# For how long, DRBD's policies, and what connector remembers


def _lasted_premise(case: Case, said: Said) -> Premise:
    if said.lasted_s is not None:
        words = f"it has looked like this for {said.lasted_s:g} s"
        return Premise(About.LASTED, Source.SAID, words)
    policy = case.policy
    ends_s = {policy.demote_grace_s, TRANSIENT_LASTS_S, policy.respect_disconnect_s}
    # Of a split brain without a Primary; elsewhere it makes no difference, and is left out.
    ends_s.add(asked_again_after_s(case.context(Mode.DISCARD)) or 0.0)
    alternatives = tuple(
        Alternative(
            f"it had looked like this for {after_s:g} s",
            f"--lasted {after_s:g}s",
            lasting(case, after_s),
            group=About.LASTED,
        )
        for after_s in sorted(ends_s)
        if after_s > 0
    )
    words = "a pass sees it like this for the first time"
    return Premise(About.LASTED, Source.ASSUMED, words, "--lasted", alternatives)


def _after_sb_premise(case: Case, seen: Seen, said: Said) -> Premise:
    words = after_sb_words(case.resource.after_sb)
    if said.after_sb:
        return Premise(About.AFTER_SB, Source.SAID, words)
    if About.AFTER_SB in seen.told:
        return Premise(About.AFTER_SB, Source.FILE, words)
    alternatives = tuple(
        Alternative(
            f"DRBD had {after_sb_words(policies)}",
            " ".join(f"--{words}" for words in _set(policies)),
            replace(case, resource=replace(case.resource, after_sb=policies)),
            group=About.AFTER_SB,
        )
        for policies in _POLICIES
    )
    options = "--dump-xml, --after-sb-0pri, --after-sb-1pri, --after-sb-2pri"
    return Premise(About.AFTER_SB, Source.ASSUMED, words, options, alternatives)


def _set(policies: AfterSplitBrain) -> list[str]:
    """Those that are not DRBD's default, as `after-sb-1pri discard-secondary`."""
    values = (policies.zero_primaries, policies.one_primary, policies.two_primaries)
    return [f"after-sb-{n}pri {v}" for n, v in enumerate(values) if v != "disconnect"]


def after_sb_words(policies: AfterSplitBrain) -> str:
    """The policies in drbd.conf's words."""
    return ", ".join(_set(policies)) or "no after-sb policy of DRBD"


def _remembered_premises(case: Case, said: Said) -> Iterator[Premise]:
    managed = replace(case, resource=replace(case.resource, managed_by=SOMEBODY))
    owner = case.resource.managed_by
    if said.managed or owner:
        source = Source.SAID if said.managed else Source.FILE
        yield Premise(About.MANAGED, source, f"{owner} owns it")
    else:
        other = Alternative("a cluster manager owned it", "--managed", managed)
        words = "no cluster manager owns it"
        yield Premise(About.MANAGED, Source.ASSUMED, words, "--managed", (other,))
    if said.paused:
        yield Premise(About.PAUSE, Source.SAID, "it is paused")
    else:
        other = Alternative("it were paused", "--paused", replace(case, paused=True))
        yield Premise(About.PAUSE, Source.ASSUMED, "it is not paused", "--paused", (other,))
    if said.attempts is not None:
        words = f"{said.attempts} passes have acted in this incident"
        yield Premise(About.ATTEMPTS, Source.SAID, words)
    else:
        most = case.policy.max_attempts
        other = Alternative(
            f"{most} passes had acted in this incident",
            f"--attempts {most}",
            replace(case, attempts=most),
        )
        words = "no pass has acted in this incident"
        yield Premise(About.ATTEMPTS, Source.ASSUMED, words, "--attempts", (other,))


def _discard_premises(case: Case, said: Said) -> Iterator[Premise]:
    """Whether DRBD 9 waits for a peer to give changes up to: 8.4 and a state do not tell it."""
    if said.discard_pending:
        yield Premise(About.DISCARD, Source.SAID, "an earlier pass told it to discard")
    elif case.resource.generation is Generation.NINE and any(
        one.connection in WAITING for one in case.resource.each
    ):
        pending = replace(case, discard_pending=True)
        other = Alternative("an earlier pass had told it to discard", "--discard-pending", pending)
        words = "no discard of an earlier pass is pending"
        yield Premise(About.DISCARD, Source.ASSUMED, words, "--discard-pending", (other,))
