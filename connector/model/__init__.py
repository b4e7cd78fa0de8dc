"""The vocabulary, for every room of the house: frozen values without behaviour of their own.

`states` are DRBD's words, `proc` is what /proc/drbd says, `configured` what the configuration says,
`seen` what this node shows, `decided` what is done about it,
`status` what drbdsetup says on DRBD 9, `step` what a take-over does.

The last three are loaded when one of their names is asked for: a frozen dataclass costs most of a
millisecond to make, and cron's healthy passes need none of theirs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from connector.model.configured import AfterSplitBrain, ConfiguredResource, ConfiguredVolume, Mode
from connector.model.proc import GENERATION_OF_API, Device, Problem, ProcDrbd, SyncProgress
from connector.model.states import (
    ESTABLISHED,
    HEALTHY,
    WAITING,
    ConnectionState,
    DiskState,
    Generation,
    ReplicationState,
    Role,
)

if TYPE_CHECKING:
    from connector.model.decided import (
        Action,
        ActionKind,
        CommandResult,
        Decision,
        DecisionName,
        Gate,
        GateName,
        Outcome,
        OutcomeKind,
    )
    from connector.model.seen import (
        Cause,
        Connection,
        Evidence,
        Handshake,
        Observation,
        Picture,
        Resource,
        Source,
        Use,
        UseKind,
        Volume,
    )
    from connector.model.status import (
        DrbdsetupStatus,
        PeerDevice,
        StatusConnection,
        StatusDevice,
        StatusResource,
    )

__all__ = [
    "ESTABLISHED",
    "GENERATION_OF_API",
    "HEALTHY",
    "WAITING",
    "Action",
    "ActionKind",
    "AfterSplitBrain",
    "Cause",
    "CommandResult",
    "ConfiguredResource",
    "ConfiguredVolume",
    "Connection",
    "ConnectionState",
    "Decision",
    "DecisionName",
    "Device",
    "DiskState",
    "DrbdsetupStatus",
    "Evidence",
    "Gate",
    "GateName",
    "Generation",
    "Handshake",
    "Mode",
    "Observation",
    "Outcome",
    "OutcomeKind",
    "PeerDevice",
    "Picture",
    "Problem",
    "ProcDrbd",
    "ReplicationState",
    "Resource",
    "Role",
    "Source",
    "StatusConnection",
    "StatusDevice",
    "StatusResource",
    "SyncProgress",
    "Use",
    "UseKind",
    "Volume",
]


def __getattr__(name: str) -> object:
    for module in ("connector.model.seen", "connector.model.decided", "connector.model.status"):
        found = getattr(import_module(module), name, None)
        if found is not None:
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
