"""The states of a resource on a node as bands: its connection, and its use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tests.lab.recording import Event

from .kernel import Turn
from .programs import written
from .spans import Kind, Lane, Look, bands


@dataclass(frozen=True)
class _Minor:
    conn: str = ""
    role: str = ""
    disk: str = ""
    mount: str = ""


_LOADED = _Minor("StandAlone", "Secondary", "Diskless", "")  # DRBD's states at its beginning


def state_lanes(
    turns: Sequence[Turn],
    others: Sequence[Turn],
    own: Sequence[Event],
    resource_of_minor: Mapping[int, str],
    until_s: float,
) -> Iterator[Lane]:
    """Yield each resource's lanes: connection, use, writes."""
    for resource in dict.fromkeys(resource_of_minor.values()):
        minors = [minor for minor, name in resource_of_minor.items() if name == resource]
        if any(change.minor in minors for turn in turns for change in turn.changes):
            now = {minor: _beginning(minor, turns, others) for minor in minors}
            moments = list(_moments(turns, now))
            for name, said in (("connection", _connection), ("use", _use)):
                spans = bands(((at_s, said(power, them)) for at_s, power, them in moments), until_s)
                yield Lane(f"{resource} {name}", Kind.BANDS, spans)
        writes = tuple(span for event in own for span in written(event, minors))
        yield Lane(f"{resource} writes", Kind.TICKS, writes)


def _beginning(minor: int, turns: Sequence[Turn], others: Sequence[Turn]) -> _Minor:
    """Return a minor's states before the first line, from what they first changed from."""
    first_power_s = next((turn.at_s for turn in turns if turn.power), float("inf"))
    found: dict[str, str] = {}
    for turn in turns:
        for change in turn.changes:
            if change.minor == minor and change.what != "peer" and turn.at_s < first_power_s:
                found.setdefault(change.what, change.before)
    # A role that never changed is not in the node's own log: the other one tells it as `peer`.
    for turn in others:
        for change in turn.changes:
            if change.minor == minor and change.what == "peer" and turn.at_s < first_power_s:
                for role in (change.before, change.after):
                    if role != "Unknown":
                        found.setdefault("role", role)
    return _Minor(**found)


def _moments(
    turns: Sequence[Turn], now: dict[int, _Minor]
) -> Iterator[tuple[float, str, list[_Minor]]]:
    """Yield each moment with the power and the minors' states from then on."""
    power = ""
    yield 0.0, power, list(now.values())
    for turn in turns:
        if turn.power:
            power = turn.power
            now = dict.fromkeys(now, _LOADED)
        for change in turn.changes:
            if change.minor in now and change.what != "peer":
                power = ""
                now[change.minor] = replace(now[change.minor], **{change.what: change.after})
        yield turn.at_s, power, list(now.values())


def _connection(power: str, minors: Sequence[_Minor]) -> tuple[str, Look]:
    if power:
        return power, Look.ABSENT
    states = list(dict.fromkeys(minor.conn for minor in minors if minor.conn))
    # Where minors differ all are named, and the worst gives the colour.
    looks = {_look_of_connection(state) for state in states}
    worst = (Look.STANDALONE, Look.WAITING, Look.SYNCING, Look.HEALTHY)
    return "/".join(states), next((look for look in worst if look in looks), Look.ABSENT)


def _look_of_connection(state: str) -> Look:
    if state == "Connected":
        return Look.HEALTHY
    if state == "StandAlone":
        return Look.STANDALONE
    syncing = ("Sync", "BitMap", "Verify", "Ahead", "Behind")
    return Look.SYNCING if any(word in state for word in syncing) else Look.WAITING


def _use(power: str, minors: Sequence[_Minor]) -> tuple[str, Look]:
    if power:
        return power, Look.ABSENT
    roles = list(dict.fromkeys(minor.role for minor in minors if minor.role))
    mounted = sum(bool(minor.mount) for minor in minors)
    if not roles and not mounted:
        return "", Look.ABSENT
    words = ["/".join(roles)] if roles else []
    if mounted:
        words.append("mounted" if mounted == len(minors) else f"{mounted} of {len(minors)} mounted")
    words += dict.fromkeys(minor.disk for minor in minors if minor.disk not in ("", "UpToDate"))
    primary = Look.PRIMARY if "Primary" in roles else Look.SECONDARY
    return ", ".join(words), Look.MOUNTED if mounted else primary
