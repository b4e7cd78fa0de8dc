"""The vocabulary, for every room of the house: frozen values without behaviour of their own.

`states` are DRBD's words, `proc` is what /proc/drbd says, `configured` what the configuration says,
`seen` what this node shows, `decided` what is done about it.

The last two are loaded when one of their names is asked for: a frozen dataclass costs most of a
millisecond to make, and cron's healthy passes need none of theirs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from connector.model.configured import AfterSplitBrain, ConfiguredResource, ConfiguredVolume, Mode
from connector.model.proc import SUPPORTED_API, Device, Problem, ProcDrbd, SyncProgress
from connector.model.states import ESTABLISHED, HEALTHY, ConnectionState, DiskState, Role

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
        Evidence,
        Handshake,
        Observation,
        Picture,
        Resource,
        Use,
        UseKind,
        Volume,
    )

__all__ = [
    "ESTABLISHED",
    "HEALTHY",
    "SUPPORTED_API",
    "Action",
    "ActionKind",
    "AfterSplitBrain",
    "Cause",
    "CommandResult",
    "ConfiguredResource",
    "ConfiguredVolume",
    "ConnectionState",
    "Decision",
    "DecisionName",
    "Device",
    "DiskState",
    "Evidence",
    "Gate",
    "GateName",
    "Handshake",
    "Mode",
    "Observation",
    "Outcome",
    "OutcomeKind",
    "Picture",
    "Problem",
    "ProcDrbd",
    "Resource",
    "Role",
    "SyncProgress",
    "Use",
    "UseKind",
    "Volume",
]


def __getattr__(name: str) -> object:
    for module in ("connector.model.seen", "connector.model.decided"):
        found = getattr(import_module(module), name, None)
        if found is not None:
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
