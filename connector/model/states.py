"""The words of DRBD: connection states, roles and disk states, in the kernel's spelling.

They are those of `drbd_conn_str`, `drbd_role_str` and `drbd_disk_str`
(drivers/block/drbd/drbd_strings.c), plus what DRBD 0.7 and the DRBD 9 debugfs blocks print in the
same place. DRBD 9 says Connecting for WFConnection, and has a replication state beside each
connection (drbd-headers, linux/drbd.h `enum drbd_repl_state`).
"""

from __future__ import annotations

from enum import StrEnum


class Generation(StrEnum):
    """Which rules the kernel goes by: one connection for a resource, or one for each peer."""

    EIGHT = "8.4"
    NINE = "9"


class ConnectionState(StrEnum):
    """What /proc/drbd prints after `cs:`."""

    UNCONFIGURED = "Unconfigured"
    STANDALONE = "StandAlone"
    DISCONNECTING = "Disconnecting"
    UNCONNECTED = "Unconnected"
    TIMEOUT = "Timeout"
    BROKEN_PIPE = "BrokenPipe"
    NETWORK_FAILURE = "NetworkFailure"
    PROTOCOL_ERROR = "ProtocolError"
    TEAR_DOWN = "TearDown"
    WF_CONNECTION = "WFConnection"
    CONNECTING = "Connecting"  # DRBD 9's name for it
    WF_REPORT_PARAMS = "WFReportParams"
    CONNECTED = "Connected"
    STARTING_SYNC_S = "StartingSyncS"
    STARTING_SYNC_T = "StartingSyncT"
    WF_BITMAP_S = "WFBitMapS"
    WF_BITMAP_T = "WFBitMapT"
    WF_SYNC_UUID = "WFSyncUUID"
    SYNC_SOURCE = "SyncSource"
    SYNC_TARGET = "SyncTarget"
    VERIFY_S = "VerifyS"
    VERIFY_T = "VerifyT"
    PAUSED_SYNC_S = "PausedSyncS"
    PAUSED_SYNC_T = "PausedSyncT"
    AHEAD = "Ahead"
    BEHIND = "Behind"
    # DRBD 0.7 only
    SKIPPED_SYNC_S = "SkippedSyncS"
    SKIPPED_SYNC_T = "SkippedSyncT"
    DISKLESS_CLIENT = "DiskLessClient"
    SERVER_FOR_DISKLESS = "ServerForDLess"
    # DRBD 9 debugfs blocks, where `cs:` is the replication state
    OFF = "Off"
    ESTABLISHED = "Established"


C = ConnectionState
# The node listens and calls, and the peer does not answer.
WAITING = frozenset({C.WF_CONNECTION, C.CONNECTING})
# Connected, with nothing left to be brought into agreement; a verify only compares.
HEALTHY = frozenset({C.CONNECTED, C.VERIFY_S, C.VERIFY_T})
# From Connected up the nodes have agreed on the data (enum drbd_conns in linux/drbd.h).
ESTABLISHED = frozenset(
    {
        C.CONNECTED,
        C.STARTING_SYNC_S,
        C.STARTING_SYNC_T,
        C.WF_BITMAP_S,
        C.WF_BITMAP_T,
        C.WF_SYNC_UUID,
        C.SYNC_SOURCE,
        C.SYNC_TARGET,
        C.VERIFY_S,
        C.VERIFY_T,
        C.PAUSED_SYNC_S,
        C.PAUSED_SYNC_T,
        C.AHEAD,
        C.BEHIND,
    }
)


class ReplicationState(StrEnum):
    """What DRBD 9 says of one volume towards one peer; Off where they are not connected."""

    OFF = "Off"
    ESTABLISHED = "Established"
    STARTING_SYNC_S = "StartingSyncS"
    STARTING_SYNC_T = "StartingSyncT"
    WF_BITMAP_S = "WFBitMapS"
    WF_BITMAP_T = "WFBitMapT"
    WF_SYNC_UUID = "WFSyncUUID"
    SYNC_SOURCE = "SyncSource"
    SYNC_TARGET = "SyncTarget"
    VERIFY_S = "VerifyS"
    VERIFY_T = "VerifyT"
    PAUSED_SYNC_S = "PausedSyncS"
    PAUSED_SYNC_T = "PausedSyncT"
    AHEAD = "Ahead"
    BEHIND = "Behind"


class Role(StrEnum):
    """Primary may be written to; Unknown is only ever the peer's, while not connected."""

    PRIMARY = "Primary"
    SECONDARY = "Secondary"
    UNKNOWN = "Unknown"


class DiskState(StrEnum):
    """What /proc/drbd prints in `ds:LOCAL/PEER` (0.7: `ld:LOCAL`)."""

    DISKLESS = "Diskless"
    ATTACHING = "Attaching"
    DETACHING = "Detaching"
    FAILED = "Failed"
    NEGOTIATING = "Negotiating"
    INCONSISTENT = "Inconsistent"
    OUTDATED = "Outdated"
    DUNKNOWN = "DUnknown"
    CONSISTENT = "Consistent"
    UP_TO_DATE = "UpToDate"
