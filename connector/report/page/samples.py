"""What was out of sync at the last looks: a ring in the exporter's memory, gone with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from connector.report.passes import ResourceReport

INTERVAL_S = 15.0
MOST_SAMPLES = 240  # an hour where somebody looks as often as that


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: KiB out of sync for each name, None where that could not be told.

    `at_boot_s` is on the clock that never jumps. Samples of the same resources share their names:
    with 1000 of them that is the larger part.
    """

    at_boot_s: float
    names: tuple[str, ...]
    amounts_kib: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One resource at one look; None: it could not be told."""

    at_boot_s: float
    kib: int | None


class Samples:
    """The newest samples. Used under the lock of the shared look, by one thread at a time."""

    def __init__(self, interval_s: float = INTERVAL_S, most: int = MOST_SAMPLES) -> None:
        self._interval_s = interval_s
        self._kept: deque[Sample] = deque(maxlen=most)

    def note(self, at_boot_s: float, items: Iterable[ResourceReport]) -> None:
        """Keep what a look gave, unless the last one that was kept is too near."""
        last = self._kept[-1] if self._kept else None
        if last is not None and at_boot_s - last.at_boot_s < self._interval_s:
            return
        seen = [item.after for item in items]
        names = tuple(resource.name for resource in seen)
        if last is not None and last.names == names:
            names = last.names
        amounts_kib = tuple(resource.out_of_sync_kib for resource in seen)
        self._kept.append(Sample(at_boot_s, names, amounts_kib))

    def kept(self) -> tuple[Sample, ...]:
        """All that is kept, oldest first."""
        return tuple(self._kept)


def points(samples: Sequence[Sample], names: Collection[str]) -> dict[str, tuple[Point, ...]]:
    """The samples of each of these resources, oldest first; a resource may have none."""
    found: dict[str, list[Point]] = {name: [] for name in names}
    places: dict[str, int] = {}
    before: tuple[str, ...] | None = None
    for sample in samples:
        if sample.names is not before:
            before = sample.names
            places = {name: place for place, name in enumerate(before) if name in found}
        for name, place in places.items():
            found[name].append(Point(sample.at_boot_s, sample.amounts_kib[place]))
    return {name: tuple(kept) for name, kept in found.items()}
