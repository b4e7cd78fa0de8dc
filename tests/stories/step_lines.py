"""The lines of a step: what was done, and what both nodes show, as two pairs can share them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tests.lab.administration import volume_of
from tests.lab.drbd_node import MinorState
from tests.lab.errors import CommandFailed
from tests.lab.passes import Pass

_CLEAN = MinorState("Connected", "Secondary", "Secondary", "UpToDate", "UpToDate", 0)
_FAILED = re.compile(r"exit status (\d+) from: drbdadm ")
_NUMBER = re.compile(r"(?:Failure|State change failed): \((-?\d+)\)")


def of_states(states: Mapping[str, Mapping[int, MinorState]]) -> Iterator[str]:
    """A line for each minor of each node, but for those in sync that nobody is Primary of."""
    for name in ("alpha", "beta"):
        if name not in states:
            yield f"shows  {name}: no power"
            continue
        for minor, state in sorted(states[name].items()):
            if state != _CLEAN:
                resource, volume = volume_of(minor)
                out_of_sync = "out of sync" if state.out_of_sync_kib else "in sync"
                yield (
                    f"shows  {name} {resource}/{volume}: {state.connection} "
                    f"{state.role}/{state.peer_role} {state.disk}/{state.peer_disk} {out_of_sync}"
                )


def of_words(word: str, node: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
    """A word of a story as it was said."""
    given = [getattr(one, "name", str(one)) for one in args if one not in ({}, None)]
    given += [f"{key}={value}" for key, value in kwargs.items()]
    return " ".join([f"{node}:" if node else "both:", word, *given])


def of_failure(error: CommandFailed) -> str:
    """The exit status of a command, and the number of DRBD's message; or that there is none."""
    status, numbers = _FAILED.search(str(error)), _NUMBER.findall(str(error))
    if status is None:
        return "refused"
    return f"exit status {status[1]}" + (f", error {numbers[-1]}" if numbers else "")


def of_pass(node: str, done: Pass) -> Iterator[str]:
    """What a pass decided and ran, and what came of it."""
    for item in done.report["resources"]:
        gates = f", before it: {', '.join(item['gates'])}" if item["gates"] else ""
        yield f"pass   {node} {item['name']}: {item['decision']}{gates}"
        for command in item["outcome"]["commands"]:
            argv = " ".join(command["argv"][1:])
            yield (
                f"ran    {node} drbdadm {argv}: exit status {command['exit_status']}, "
                f"{command['outcome']}"
            )
        yield f"pass   {node} {item['name']}: {item['outcome']['kind']}"
    yield f"pass   {node}: exit status {done.exit_status}"
