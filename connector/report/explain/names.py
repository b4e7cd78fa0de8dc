"""Names for a saved /proc/drbd: from what `drbdadm dump-xml` printed, or from the log. Pure."""

from __future__ import annotations

import re
from dataclasses import replace

from connector.errors import ConnectorError, UsageError
from connector.model import ConfiguredResource, ConfiguredVolume, ConnectionState
from connector.observe import proc_drbd
from connector.observe.dump_xml import ResourcesUnknown, parse_dump_xml
from connector.observe.evidence import gather
from connector.report.explain.log import SavedLog

MAX_HOSTS = 64
_HOST = re.compile(r'<host name="([^"]{1,1000})"')


def configured(text: str, file: str, host: str | None, here: str) -> tuple[ConfiguredResource, ...]:
    """The resources of `host`; without one those of `here`, or of all hosts where they agree.

    Raises:
        UsageError: `host` is not in the text, or one has to be named.
        ConnectorError: the text is not what drbdadm prints.
    """
    if "<config" not in text:
        raise ConnectorError(
            f"--dump-xml: {file}: this is not what `drbdadm dump-xml` prints: save it with "
            "`drbdadm dump-xml > FILE`"
        )
    try:
        return _of_host(text, file, host, here)
    except ResourcesUnknown as error:
        raise ConnectorError(f"--dump-xml: {file}: {error}") from error


def _of_host(text: str, file: str, host: str | None, here: str) -> tuple[ConfiguredResource, ...]:
    found = parse_dump_xml(text, host or here)
    if found:
        return found
    names = [word for match in _HOST.finditer(text) for word in match[1].split()]
    hosts = list(dict.fromkeys(names))[:MAX_HOSTS]
    known = ", ".join(hosts) or "none"
    if host is not None:
        raise UsageError(f"--host: {host!r} has no resource in {file}; its hosts are: {known}")
    # Each has the others as its peers, and which of them this is cannot be told.
    choices = {tuple(map(_without_peers, parse_dump_xml(text, name))) for name in hosts}
    if len(choices) > 1:
        raise UsageError(f"--host is needed: the hosts in {file} differ. Name one of: {known}")
    return choices.pop() if choices else ()


def _without_peers(item: ConfiguredResource) -> ConfiguredResource:
    return replace(item, peers=())


def by_log(log: SavedLog, data: bytes) -> tuple[ConfiguredResource, ...] | None:
    """The one resource of both, where log and /proc/drbd have one only; None for a silent log.

    The log calls a connection by its resource's name, /proc/drbd a volume by its minor. Which
    belongs to which has to be known, or a disconnect by hand is overlooked.

    Raises:
        UsageError: it cannot be told without --dump-xml.
    """
    names = list(gather(log.records, {}))
    if not names:
        return None
    devices = proc_drbd.parse(data).devices
    minors = {d.minor for d in devices if d.connection is not ConnectionState.UNCONFIGURED}
    if len(minors) == len(names) == 1:
        return (ConfiguredResource(names[0], (ConfiguredVolume(0, minors.pop()),)),)
    raise UsageError(
        "--kernel-log needs --dump-xml here: the log speaks of resources, /proc/drbd of minors, "
        "and only the configuration tells which is which. Save it with `drbdadm dump-xml > FILE`"
    )
