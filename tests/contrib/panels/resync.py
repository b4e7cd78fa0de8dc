"""Resyncs that take minutes, for pictures that show one.

The simulated pair copies all blocks in one go, a second or so after the resync began. Here that
moment is put off, and in between the numbers are shown that a kernel would print.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from connector.model import ConnectionState, Device, Resource, SyncProgress
from connector.simulate import SimulatedPair
from connector.simulate.connection import FINISH_RESYNC
from connector.simulate.state import KIB_PER_BLOCK, Step

KIB_PER_S = 768
_STEP_S, _MOST_STEPS = 0.25, 40
_RESYNCS = frozenset({ConnectionState.SYNC_SOURCE, ConnectionState.SYNC_TARGET})


@dataclass(frozen=True, slots=True)
class _Slow:
    """A resync that was put off, on the pair's clock."""

    from_s: float
    until_s: float


class SlowResyncs:
    """The resyncs of one pair."""

    def __init__(self, pair: SimulatedPair) -> None:
        self._pair = pair
        self._slow: dict[str, _Slow] = {}

    def catch(self) -> None:
        """Let time pass in small steps until every handshake is over and its resync put off.

        Call it whenever nodes may have met: a resync that is not caught is over in seconds.
        """
        for _ in range(_MOST_STEPS):
            self._put_off()
            if all(self._is_put_off(name) for name in self._pair.state.steps):
                return
            self._pair.sleep(_STEP_S)

    def _is_put_off(self, resource: str) -> bool:
        step, known = self._pair.state.steps[resource], self._slow.get(resource)
        return step.kind == FINISH_RESYNC and known is not None and known.until_s == step.due_s

    def _put_off(self) -> None:
        state = self._pair.state
        for name, step in list(state.steps.items()):
            if step.kind != FINISH_RESYNC or self._is_put_off(name):
                continue
            blocks = max(volume.resync_bits for volume in self._pair.side("alpha", name).volumes)
            until_s = state.now_s + max(1.0, blocks * KIB_PER_BLOCK / KIB_PER_S)
            self._slow[name] = _Slow(state.now_s, until_s)
            state.steps[name] = Step(FINISH_RESYNC, until_s)

    def shown(self, seen: Resource) -> Resource:
        """The resource with the progress that its resync has made by now, if one runs."""
        slow = self._slow.get(seen.name)
        if slow is None:
            return seen
        left = (slow.until_s - self._pair.state.now_s) / (slow.until_s - slow.from_s)
        volumes = tuple(
            replace(volume, device=_progressed(volume.device, left))
            if volume.device is not None and volume.device.connection in _RESYNCS
            else volume
            for volume in seen.volumes
        )
        return replace(seen, volumes=volumes)


def _progressed(device: Device, left: float) -> Device:
    total_kib = device.out_of_sync_kib or 0
    left_kib = round(total_kib * left)
    return replace(
        device,
        statistics={**device.statistics, "oos": left_kib},
        sync=SyncProgress("resync", 100 * (1 - left), left_kib, total_kib),
    )
