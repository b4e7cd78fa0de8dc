"""The first line of a minor's block in /proc/drbd: its states, protocol and flags.

Kernel sources: the first format of `drbd_seq_show` in drbd_proc.c (0.7 to 8.4), of
`seq_print_device_proc_drbd` in drbd_legacy_84.c and of `peer_device_proc_drbd_show` in
drbd_debugfs.c (DRBD 9). The words are those of `drbd_conn_str`, `drbd_role_str` and
`drbd_disk_str` in drbd_strings.c, in 0.7 those of `cstate_to_name` and `nodestate_to_name`.
"""

from __future__ import annotations

import re

from connector.model import ConnectionState, DiskState, Role

_CONNECTIONS = {state.value: state for state in ConnectionState}
_ROLES = {role.value: role for role in Role}
_DISKS = {state.value: state for state in DiskState}

# What stands before the text that `read` takes; %2d, so blanks or none.
#  0:   12:   1000:
MINOR_NUMBER = re.compile(r"\s*+(?P<minor>0|[1-9][0-9]{0,6}+):\s*+(?=cs:)", re.ASCII)

# cs:Connected st:Primary/Secondary ds:UpToDate/UpToDate C r---                  (8.0 to 8.2)
# cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----                 (no net config)
# cs:Connected st:Primary/Secondary ld:Consistent F                              (0.7)
# cs:Unconfigured
_MINOR_LINE = re.compile(
    r"cs:(?P<connection>\S++)"
    r"(?:\s++(?:st|ro):(?P<role>[^\s/]++)/(?P<peer_role>[^\s/]++)"
    r"\s++(?:ds:(?P<disk>[^\s/]++)/(?P<peer_disk>[^\s/]++)|ld:(?P<local_data>[^\s/]++))"
    r"(?:\s++(?P<letter>\S)(?!\S))?(?:\s++(?P<flags>\S{2,}+))?)?\s*+",
    re.ASCII,
)
_CONNECTION = re.compile(r"cs:(\S*+)", re.ASCII)

# r---   r----   r-----   s--u-s   rap-b-         (4 until 8.3.0, 5 until 8.3.8, then 6)
_FLAGS = re.compile(r"[rs][-a][-p][-u](?:[-dcbna][-s]?)?")
_FLAG_COUNTS = range(4, 7)


class MinorLine:
    """What the line says. A doubt or a note is a message and the text that it quotes."""

    # No dataclass: making one costs more than reading a hundred of these.
    __slots__ = (
        "connection",
        "disk",
        "doubts",
        "flags",
        "notes",
        "peer_disk",
        "peer_role",
        "protocol",
        "role",
    )

    def __init__(self) -> None:
        self.connection: ConnectionState | None = None
        self.role: Role | None = None
        self.peer_role: Role | None = None
        self.disk: DiskState | None = None
        self.peer_disk: DiskState | None = None
        self.protocol: str | None = None
        self.flags: str | None = None
        self.doubts: list[tuple[str, str]] = []
        self.notes: list[tuple[str, str]] = []


def read(text: str) -> MinorLine:
    """The states in `cs:...`, from right behind the minor number to the end of the line."""
    minor_line = MinorLine()
    found = _MINOR_LINE.fullmatch(text)
    if found is None:
        start = _CONNECTION.match(text)
        minor_line.connection = _CONNECTIONS.get(start[1]) if start else None
        minor_line.doubts.append(("a minor line that is cut off or damaged", text))
        return minor_line
    minor_line.connection = _CONNECTIONS.get(found["connection"])
    if minor_line.connection is None:
        minor_line.doubts.append(("unknown connection state", found["connection"]))
    # `cs:Unconfigured` stands alone, and nothing else does.
    if (minor_line.connection is ConnectionState.UNCONFIGURED) is not (found["role"] is None):
        minor_line.doubts.append(("a minor line that is cut off or damaged", text))
    elif found["role"] is not None:
        _read_states(minor_line, found)
        _read_letters(minor_line, found)
    return minor_line


def _read_states(minor_line: MinorLine, found: re.Match[str]) -> None:
    """The kernel prints Unknown and DUnknown for the peer only, and 0.7 only the local data."""
    local_disk = found["disk"] or found["local_data"]
    minor_line.role = _ROLES.get(found["role"])
    if minor_line.role is None or minor_line.role is Role.UNKNOWN:
        minor_line.doubts.append(("unknown role", found["role"]))
    minor_line.peer_role = _ROLES.get(found["peer_role"])
    if minor_line.peer_role is None:
        minor_line.doubts.append(("unknown peer role", found["peer_role"]))
    minor_line.disk = _DISKS.get(local_disk)
    if minor_line.disk is None or minor_line.disk is DiskState.DUNKNOWN:
        minor_line.doubts.append(("unknown disk state", local_disk))
    if found["peer_disk"] is not None:
        minor_line.peer_disk = _DISKS.get(found["peer_disk"])
        if minor_line.peer_disk is None:
            minor_line.doubts.append(("unknown peer disk state", found["peer_disk"]))


def _read_letters(minor_line: MinorLine, found: re.Match[str]) -> None:
    letter, flags = found["letter"], found["flags"]
    if found["local_data"] is not None:
        # 0.7 prints one %c: F where I/O is frozen (IO_FROZEN), else a blank.
        minor_line.flags = letter
        if flags is not None or letter not in (None, "F"):
            minor_line.doubts.append(("unknown flags", flags or letter))
        return
    # "%c %c%c%c%c%c%c": the protocol is a blank where there is no net config.
    if letter is None or letter in "ABC":
        minor_line.protocol = letter
    else:
        minor_line.notes.append(("unknown protocol", letter))
    minor_line.flags = flags
    if flags is None:
        minor_line.doubts.append(("a minor line without flags", found[0]))
    elif not _FLAGS.fullmatch(flags):
        # Whether I/O is suspended decides things; the other letters only tell a person more.
        is_harmless = flags[0] in "rs" and len(flags) in _FLAG_COUNTS
        (minor_line.notes if is_harmless else minor_line.doubts).append(("unknown flags", flags))
