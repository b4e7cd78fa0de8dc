"""The kernel log's part of what a decision rests on: said, in the file, or assumed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from connector.model import ESTABLISHED, Cause, Evidence, Resource, Role
from connector.observe.nine import evidence as evidence_9
from connector.observe.nine.assemble import with_worst
from connector.report.explain.answer import About, Alternative, Case, Premise, Seen, Source
from connector.report.explain.log import SavedLog
from connector.report.explain.said import NONE, UNREADABLE, Said, evidence_of, evidence_words


def with_evidence(case: Case, seen: Seen, said: Said) -> Case:
    """The evidence, and the present on its clock: later where something has lasted longer."""
    resource, now_s = case.resource, case.log_now_s
    if said.log is not None:
        resource, now_s = informed(resource, _by_log(said.log, resource)), said.log.end_s
    elif said.kind is not None or About.EVIDENCE not in seen.told:
        evidence = evidence_of(said.kind or NONE, said.handshake)
        resource, now_s = informed(resource, lambda _: evidence), 0.0
    return lasting(replace(case, resource=resource, log_now_s=now_s), case.lasted_s)


def informed(resource: Resource, told: Callable[[Resource], Evidence]) -> Resource:
    """The same with this evidence, on DRBD 9 for each connection that is not up."""
    if not resource.connections:
        return replace(resource, evidence=told(resource))
    connections = tuple(
        one if one.connection in ESTABLISHED else replace(one, evidence=told(resource.towards(one)))
        for one in resource.connections
    )
    return with_worst(replace(resource, connections=connections))


def _by_log(log: SavedLog, resource: Resource) -> Callable[[Resource], Evidence]:
    """What a saved log says of a resource, or of one of its connections."""
    if resource.connections:
        told = evidence_9.gather(log.records)
        return lambda one: told.get((one.name, one.peer or ""), Evidence())
    of_minor = {volume.minor: resource.name for volume in resource.volumes}
    return lambda one: log.evidence(of_minor, one.name)


def lasting(case: Case, lasted_s: float | None) -> Case:
    """The same after it has looked like this for so long, and been apart for so long."""
    ended_s = max(one.evidence.cause_at_s or 0.0 for one in case.resource.each)
    now_s = max(case.log_now_s, ended_s + (lasted_s or 0.0))
    return replace(case, lasted_s=lasted_s, log_now_s=now_s)


def evidence_premises(case: Case, seen: Seen, said: Said) -> Iterator[Premise]:
    """What the kernel log is taken to say; while connected it is not looked at."""
    if seen.resource.connection in ESTABLISHED:
        if said.log is not None or said.kind is not None:
            words = "the kernel log, which is not looked at while connected"
            yield Premise(About.EVIDENCE, Source.SAID, words)
        return
    words = _words(case.resource)
    if said.log is not None or said.kind is not None:
        yield Premise(About.EVIDENCE, Source.SAID, words)
    elif About.EVIDENCE in seen.told:
        yield Premise(About.EVIDENCE, Source.FILE, words)
    else:
        options = "--evidence, --kernel-log"
        others = _other_evidence(case)
        yield Premise(About.EVIDENCE, Source.ASSUMED, words, options, others)
    if said.kind == Cause.SPLIT_BRAIN and said.handshake is None:
        words = "nothing is known of the split brain's handshake"
        others = tuple(
            _with_kind(
                case,
                f"this node were {own} and the peer {peer} at the handshake",
                f"--handshake {own}/{peer}",
                Cause.SPLIT_BRAIN,
                (own, peer),
            )
            for own in (Role.PRIMARY, Role.SECONDARY)
            for peer in (Role.PRIMARY, Role.SECONDARY)
        )
        yield Premise(About.HANDSHAKE, Source.ASSUMED, words, "--handshake", others)


def _words(resource: Resource) -> str:
    """The evidence in a few words; of several connections that of each that is not up."""
    each = [one for one in resource.each if one.several and one.connection not in ESTABLISHED]
    if not each:
        return evidence_words(resource.evidence)
    return "; ".join(f"{one.peer}: {evidence_words(one.evidence)}" for one in each)


def _other_evidence(case: Case) -> tuple[Alternative, ...]:
    """The kinds that decide something; the other causes only make another sentence."""
    split = "--evidence split-brain"
    shown = "the kernel log showed a split brain"
    roles = "at its handshake this node Secondary and the peer"
    return (
        _with_kind(case, shown, split, Cause.SPLIT_BRAIN),
        *(
            _with_kind(
                case,
                f"{shown}, {roles} {peer}",
                f"{split} --handshake Secondary/{peer}",
                Cause.SPLIT_BRAIN,
                (Role.SECONDARY, peer),
            )
            for peer in (Role.PRIMARY, Role.SECONDARY)
        ),
        _with_kind(
            case,
            "an operator had disconnected it",
            f"--evidence {Cause.OPERATOR_DISCONNECT}",
            Cause.OPERATOR_DISCONNECT,
        ),
        _with_kind(
            case, "the kernel log could not be read", f"--evidence {UNREADABLE}", UNREADABLE
        ),
    )


def _with_kind(
    case: Case, if_: str, option: str, kind: str, roles: tuple[Role, Role] | None = None
) -> Alternative:
    evidence = evidence_of(kind, roles)
    resource = informed(case.resource, lambda _: evidence)
    other = lasting(replace(case, resource=resource), case.lasted_s)
    return Alternative(if_, option, other, group=kind)
