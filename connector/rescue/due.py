"""When a pass has to look at the rescues next; what a healthy pass reads of them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from connector.memory.files import read_bounded, write_atomic
from connector.settings import Settings

if TYPE_CHECKING:
    from connector.rescue.kept import Rescue

DAY_S = 86_400
TRIED_AGAIN_S = 3600.0
_MAX_BYTES = 100


def is_due(settings: Settings, now_wall_s: float) -> bool:
    """Whether it is time; also where the note cannot be read. False where there is none."""
    try:
        data = read_bounded(settings.rescues_due_file, _MAX_BYTES)
        # A number that is none (nan) is not later than now.
        return data is not None and not now_wall_s < float(data) < math.inf
    except NotADirectoryError:
        return False  # the state directory is none: others say so
    except (OSError, ValueError):
        return True


def at_once(settings: Settings) -> None:
    """From the next pass on, until the rescue has been looked at. Raises OSError."""
    write_atomic(settings.rescues_due_file, b"0\n")


def newest_copies(rescues: Iterable[Rescue]) -> frozenset[str]:
    """The names of those that stay at any age: the newest copy of each resource."""
    ordered = sorted(rescues, key=lambda item: item.kept_at_s)
    newest = {item.resource: item.name for item in ordered if item.copies_bytes and not item.lost}
    return frozenset(newest.values())


def reckon(
    settings: Settings, rescues: Iterable[Rescue], now_wall_s: float, *, again: bool = False
) -> None:
    """Note when the next of these is to be looked at, or too old; `again`: in an hour in any case.

    Raises:
        OSError: it cannot be noted.
    """
    known = tuple(rescues)
    stay = newest_copies(known)
    moments = [
        _next_s(rescue, settings.rescue.max_age_days, now_wall_s)
        for rescue in known
        if not (rescue.name in stay and rescue.looked_at_s is not None)
    ]
    moments += [now_wall_s + TRIED_AGAIN_S] if again else []
    if moments:
        settled_s = min(moments)
        write_atomic(settings.rescues_due_file, f"{settled_s:.0f}\n".encode())
    else:
        settings.rescues_due_file.unlink(missing_ok=True)


def _next_s(rescue: Rescue, max_age_days: float, now_wall_s: float) -> float:
    if rescue.looked_at_s is None and rescue.lost is None:
        return 0.0
    # One that is too old is still here because it could not be dropped.
    return max(rescue.kept_at_s + max_age_days * DAY_S + 1, now_wall_s + TRIED_AGAIN_S)
