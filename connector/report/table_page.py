"""The decision table for people: as text for a terminal, and as the page in docs/."""

from __future__ import annotations

from typing import Any

from connector.decide.table import TABLE, Row
from connector.model import ActionKind, GateName

_COMMANDS = {
    ActionKind.SECONDARY: "secondary",
    ActionKind.CONNECT: "connect",
    ActionKind.CONNECT_DISCARD: "connect --discard-my-data",
    ActionKind.DISCONNECT: "disconnect",
}
HEADINGS = ("connection", "role", "in use", "decision", "what is done")

GATES: dict[GateName, str] = {
    GateName.MODE: "mode `observe` never acts; mode `reconnect` leaves a split brain to a person, "
    "but lets the survivor connect and wait; a damaged record of attempts makes one pass observe",
    GateName.PAUSE: "an operator's `connector pause` is in force",
    GateName.MANAGED: "Pacemaker, drbd-reactor or LINSTOR owns the resource, and `managed` is "
    "not `act`",
    GateName.OPERATOR_DISCONNECT: "StandAlone by a person's `drbdadm disconnect`, less than "
    "`respect_disconnect` ago",
    GateName.EVIDENCE: "the kernel log cannot be read, or this node was Secondary in a split "
    "brain's last handshake and the peer was too, or its volumes disagree; asked again after a "
    "minute, then after waits four times as long each, but not with the last attempt",
    GateName.FORECAST: "DRBD's own after-sb policies might throw data away at the next handshake",
    GateName.DISK: "changes are to be given up, and a local disk is missing",
    GateName.ATTEMPTS: "`max_attempts` passes acted in this incident and it is not over",
    GateName.GRACE: "a demotion waits until the picture has lasted `demote_grace`: a take-over "
    "passes through it; while a `connector takeover` is neither finished nor undone there is none",
    GateName.SUSPENDED: "DRBD 9 holds the I/O up (no quorum, no data, fencing), and a step would "
    "demote; or the I/O is made to fail (`force-io-failures`), and a person has to look first",
    GateName.VICTIM: "DRBD 9: two peers were both Primary, or this node's data are also those of a "
    "peer that it is connected to, so nobody can say what is given up; or another peer comes first",
}


def rows() -> list[tuple[str, ...]]:
    """The cells of each row, in the order of HEADINGS."""
    return [
        (_connections(row), _roles(row), _in_use(row), row.name.value, _done(row)) for row in TABLE
    ]


def to_json() -> list[dict[str, Any]]:
    """The rows as objects."""
    return [
        {
            "connections": sorted(row.connections) if row.connections is not None else None,
            "roles": sorted(row.roles) if row.roles is not None else None,
            "in_use": row.in_use,
            "generation": row.generation,
            "alone": row.alone,
            "diverged": row.diverged,
            "decision": row.name,
            "steps": [_COMMANDS[step] for step in row.steps],
            "escalates": row.escalate,
            "sentence": row.sentence,
        }
        for row in TABLE
    ]


def markdown() -> str:
    """The table as it stands in docs/decision-table.md and in the README."""
    lines = [" | ".join(HEADINGS), " | ".join("---" for _ in HEADINGS)]
    lines += [" | ".join(cells) for cells in rows()]
    return "".join(f"| {line} |\n" for line in lines)


def page() -> str:
    """The whole of docs/decision-table.md."""
    gates = "".join(f"- **{name}**: {meaning}.\n" for name, meaning in GATES.items())
    return (
        "# The decision table\n\n"
        "Rendered from `connector/decide/table.py` by `make docs`. The first row that matches is "
        "taken.\n\n"
        f"{markdown()}\n"
        "On the standby (`reconnect-standby`) `connect` becomes `connect --discard-my-data` in "
        "mode `discard` only, and only where the kernel log shows an unresolved split brain in "
        "whose handshake the peer was Primary and this node was not.\n\n"
        "## Several peers: DRBD 9\n\n"
        "There each connection has its row, and its commands name the peer: `drbdadm connect "
        "RESOURCE:PEER`. A role belongs to the resource, so what is done is what all of them agree "
        "on:\n\n"
        "- a demotion is for all connections, comes first, and is left where a gate stands before "
        "it towards any peer;\n"
        "- changes are given up towards one peer only, by a node whose data are nobody else's; "
        "until that is done nothing else is;\n"
        "- the name of the whole decision is that of the connection that says most: a split one "
        "before one that waits, and that before a healthy one;\n"
        "- `disconnect` is only for one peer, and takes back a discard that is pending and that "
        "nothing calls for any more: it would take effect at the next handshake, split or "
        "not.\n\n"
        "A Secondary may be mounted read-only there; it is let be until that ends.\n\n"
        "## Gates\n\n"
        "A step is taken only where no gate stands before it. Each one that does is named in the "
        "decision, with its reason.\n\n"
        f"{gates}"
    )


def _connections(row: Row) -> str:
    """The states, and what else a row asks for that has no column."""
    states = "anything else" if row.connections is None else ", ".join(sorted(row.connections))
    more = [f"DRBD {row.generation}"] if row.generation else []
    if row.alone is not None:
        more.append("no other peer is connected" if row.alone else "another peer is connected")
    more += ["out of sync"] if row.diverged else []
    return f"{states} ({', '.join(more)})" if more else states


def _roles(row: Row) -> str:
    return "any" if row.roles is None else ", ".join(sorted(row.roles))


def _in_use(row: Row) -> str:
    return {None: "any", True: "yes", False: "no"}[row.in_use]


def _done(row: Row) -> str:
    steps = [f"`{_COMMANDS[step]}`" for step in row.steps]
    if row.watch:
        steps.append("watch the state come up")
    if row.escalate:
        steps.append("nothing; escalate")
    if row.lasting:
        steps.append("nothing; escalate if it lasts")
    return ", ".join(steps) or "nothing"
