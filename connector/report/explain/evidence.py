"""The kernel log's part of what a decision rests on: said, in the file, or assumed. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from connector.model import ESTABLISHED, Cause, Role
from connector.report.explain.answer import About, Alternative, Case, Premise, Seen, Source
from connector.report.explain.said import NONE, UNREADABLE, Said, evidence_of, evidence_words


def with_evidence(case: Case, seen: Seen, said: Said) -> Case:
    """The evidence, and the present on its clock: later where something has lasted longer."""
    evidence, now_s = case.resource.evidence, case.log_now_s
    if said.log is not None:
        of_minor = {volume.minor: case.resource.name for volume in case.resource.volumes}
        evidence, now_s = said.log.evidence(of_minor, case.resource.name), said.log.end_s
    elif said.kind is not None or About.EVIDENCE not in seen.told:
        evidence, now_s = evidence_of(said.kind or NONE, said.handshake), 0.0
    resource = replace(case.resource, evidence=evidence)
    return lasting(replace(case, resource=resource, log_now_s=now_s), case.lasted_s)


def lasting(case: Case, lasted_s: float | None) -> Case:
    """The same after it has looked like this for so long, and been apart for so long."""
    ended_s = case.resource.evidence.cause_at_s or 0.0
    now_s = max(case.log_now_s, ended_s + (lasted_s or 0.0))
    return replace(case, lasted_s=lasted_s, log_now_s=now_s)


def evidence_premises(case: Case, seen: Seen, said: Said) -> Iterator[Premise]:
    """What the kernel log is taken to say; while connected it is not looked at."""
    if seen.resource.connection in ESTABLISHED:
        if said.log is not None or said.kind is not None:
            words = "the kernel log, which is not looked at while connected"
            yield Premise(About.EVIDENCE, Source.SAID, words)
        return
    words = evidence_words(case.resource.evidence)
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
    resource = replace(case.resource, evidence=evidence_of(kind, roles))
    other = lasting(replace(case, resource=resource), case.lasted_s)
    return Alternative(if_, option, other, group=kind)
