"""What opens a gate that is shut, in one sentence. Pure."""

from __future__ import annotations

from connector.decide.asking_again import asked_again_after_s
from connector.decide.context import Policy
from connector.model import Gate, GateName, Mode
from connector.report.explain.answer import Case

_PERSON = (
    "a person's word: `connector recover {name} --discard-my-data` on the node that gives its "
    "changes up"
)
_MADE_TO_FAIL = "`drbdadm secondary {name}`, after it has been unmounted"
# Those whose answer does not depend on the case.
_OPENS: dict[GateName, str] = {
    GateName.PAUSE: "`connector resume {name}`, or the end of the pause",
    GateName.MANAGED: 'managed = "act" in connector.toml',
    GateName.OPERATOR_DISCONNECT: "{policy.respect_disconnect_s:g} s since the disconnect "
    "(respect_disconnect), or the operator's `drbdadm connect {name}`",
    GateName.DISK: "a local disk again: `drbdadm attach {name}`",
    GateName.ATTEMPTS: "`connector resume {name}`, once it is known why they do not come together",
    GateName.GRACE: "{policy.demote_grace_s:g} s of looking like this (demote_grace)",
}


def opens(gate: Gate, case: Case) -> str:
    """What a person can do about it, or what it waits for."""
    if gate.name is GateName.MODE:
        return _mode(case)
    if gate.name is GateName.EVIDENCE:
        text = _evidence(case)
    elif gate.name is GateName.FORECAST:
        text = _forecast(case)
    elif gate.name is GateName.SUSPENDED:
        text = _MADE_TO_FAIL if gate.operator else "I/O that goes on, with quorum or data back"
    elif gate.name is GateName.VICTIM:
        text = f"nothing but {_PERSON}" if gate.operator else "the end of what comes first"
    else:
        text = _OPENS[gate.name]
    return _filled(text, case.resource.name, case.policy)


def _filled(text: str, name: str, policy: Policy) -> str:
    return text.format(name=name, policy=policy)


def _mode(case: Case) -> str:
    """The modes whose answer has no such gate; where that is discard alone, a person may do it."""
    modes = [mode for mode in Mode if not _has(case, mode, GateName.MODE)]
    text = f"mode {' or '.join(modes)}"
    if Mode.RECONNECT not in modes:
        text += f"; or {_PERSON}"
    return _filled(text, case.resource.name, case.policy)


def _evidence(case: Case) -> str:
    """A handshake without a Primary is asked again, as long as an attempt is left for it."""
    if not case.resource.evidence.readable:
        return "root's right to read /dev/kmsg"
    after_s = asked_again_after_s(case.context(Mode.DISCARD))
    if after_s is None:
        return f"nothing but {_PERSON}"
    return f"{after_s:g} s since that handshake, then it is made anew; or {_PERSON}"


def _forecast(case: Case) -> str:
    """Mode discard accepts that a Secondary's changes go against a Primary's."""
    text = "drbd.conf without that after-sb policy, on both nodes"
    accepted = not _has(case, Mode.DISCARD, GateName.FORECAST)
    return f"{text}; or mode discard" if accepted else text


def _has(case: Case, mode: Mode, name: GateName) -> bool:
    return any(gate.name is name for gate in case.decide(mode).gates)
