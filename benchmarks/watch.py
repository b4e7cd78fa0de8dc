"""How fast `connector watch` heals beside a script that types the same commands, on real DRBD.

Run as `python -m benchmarks.watch [ROUNDS]` (`make bench-watch`); it needs what the lab needs. Each
round makes two real split brains on the pair in two virtual machines: one is ended by
`connector watch` on both nodes, the other by the two drbdadm commands that end it, typed on both
nodes at once. Measured is the time from the standby's StandAlone until it is Connected, by the
lines of its kernel on the host's clock; for the script from its start, since it has to be told.
Both run drbdadm itself, without what the lab puts before it.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from functools import partial

from tests.lab.packages import require
from tests.lab.pair import Pair
from tests.lab.recording import Event, Source
from tests.lab.watching import start_watch, stop_watch

ROUNDS = 10
DISCARD = {"mode": "discard", "demote_grace": 90}


def by_watch(pair: Pair) -> float:
    """Return the seconds from StandAlone to Connected with `connector watch` on both nodes."""
    pair.on_both(partial(start_watch, noted=False))
    pair.diverge("mail", still_active=["alpha"])
    pair.restore_link()
    _wait_healed(pair)
    pair.on_both(stop_watch)
    return _healed_s(pair) - _lines(pair, "drbd mail: ", "-> StandAlone )")[0].at_s


def by_script(pair: Pair) -> float:
    """Return the seconds from when a script begins to type on both nodes until Connected."""
    pair.split_brain("mail", still_active=["alpha"])
    for node in pair.nodes:
        if node.connection() == "WFConnection":
            node.disconnect("mail")
    pair.recording.add("beta", Source.STORY, "script begins")
    pair.at_once(
        lambda: pair.beta.connect("mail", discard_my_data=True), lambda: pair.alpha.connect("mail")
    )
    _wait_healed(pair)
    begun = next(event.at_s for event in _events(pair) if event.text == "script begins")
    return _healed_s(pair) - begun


def _wait_healed(pair: Pair) -> None:
    # Seen on its console. To ask the node again and again would take it from what is measured.
    pair.wait_until(lambda: _was_healed(pair) or None, "a healing")
    pair.wait_all("Connected", minors=[0])
    for node in pair.nodes:
        node.catch_up()


def _was_healed(pair: Pair) -> bool:
    solved = _lines(pair, "block drbd0: ", "manually solved")
    connected = _lines(pair, "block drbd0: ", "-> Connected )")
    return bool(solved and connected) and connected[-1].at_s >= solved[-1].at_s


def _events(pair: Pair) -> list[Event]:
    return [event for event in pair.recording.events() if event.node == "beta"]


def _healed_s(pair: Pair) -> float:
    """When the standby's device was Connected again, its resync done."""
    return _lines(pair, "block drbd0: ", "-> Connected )")[-1].at_s


def _lines(pair: Pair, about: str, text: str) -> list[Event]:
    return [
        event
        for event in _events(pair)
        if event.source is Source.KERNEL and about in event.text and text in event.text
    ]


def main(arguments: list[str]) -> int:
    """Run the rounds and print a table; return 0."""
    rounds = int(arguments[0]) if arguments else ROUNDS
    require(install=False)
    ways: dict[str, Callable[[Pair], float]] = {"watch": by_watch, "script": by_script}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    with Pair() as pair:
        for number in range(rounds):
            for name, way in ways.items():
                pair.reset()
                pair.configure(DISCARD)
                taken[name].append(way(pair))
                print(f"round {number + 1}: {name} {taken[name][-1]:.2f} s", flush=True)
    for name, values in taken.items():
        print(
            f"{name:<8} median {statistics.median(values):.2f} s, "
            f"least {min(values):.2f}, most {max(values):.2f} of {len(values)}"
        )
    ratio = statistics.median(taken["watch"]) / statistics.median(taken["script"])
    print(f"watch / script {ratio:.2f} (aim: at most 1.3)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
