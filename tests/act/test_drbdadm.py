"""What drbdadm answers, what it means, and when the same command is worth another try."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connector.act.answers import TABLE, CommandOutcome, Row, classify, known_answer
from connector.act.drbdadm import explain_result, run_action
from connector.act.subprocess_runner import SubprocessRunner
from connector.errors import PassTimedOut
from connector.model import Action, ActionKind, CommandResult, ConnectionState, Picture, Role
from connector.program import Completed
from tests.act.programs import PATIENCE_S, write_program

SECONDARY = ActionKind.SECONDARY
CONNECT = ActionKind.CONNECT
DISCARD = ActionKind.CONNECT_DISCARD
PICTURE = Picture(ConnectionState.STANDALONE, Role.PRIMARY, in_use=False)

NET_CONFIG = (
    "mail: Failure: (125) Device has a net-config (use disconnect first)\n"
    "Command 'drbdsetup connect mail 1' terminated with exit code 10\n"
)
ADDRESS = "mail: Failure: (102) Local address(port) already in use.\n"
HELD_OPEN = (
    "mail: State change failed: (-12) Device is held open by someone\n"
    "additional info from kernel:\n"
    "drbd0 opened by mount (pid 244) at 2026-11-24 17:17:55.223\n"
    "Command 'drbdsetup secondary mail' terminated with exit code 11\n"
)
NO_MODULE = (
    "modinfo: ERROR: Module drbd not found.\n"
    "modprobe: FATAL: Module drbd not found in directory /lib/modules/6.1.0\n"
)
NO_MODULE_9 = NO_MODULE + "Failed to modprobe drbd (No such file or directory)\n"
NO_MODULE_84 = (
    NO_MODULE + "Could not stat /proc/drbd: No such file or directory\n"
    "Make sure that the DRBD kernel module is installed and can be loaded!\n"
    "Command 'drbdsetup-84 secondary 0' terminated with exit code 20\n"
)
CONCURRENT = "mail: State change failed: (-19) Concurrent state changes detected and aborted\n"
LOCKED = (
    "lock on /var/lock/drbd-147-0 currently held by pid:7796\n"
    "Command 'drbdsetup-84 secondary 0' terminated with exit code 20\n"
)
LOCK_DENIED = (
    "open(/var/lock/drbd-147-0): Permission denied\n"
    "Command 'drbdsetup-84 secondary 0' terminated with exit code 20\n"
)

# As drbd-utils 9.22 printed them; those marked (source) are put together from drbdsetup.c.
ANSWERS = [
    (CONNECT, 0, "", CommandOutcome.DONE),
    (SECONDARY, 0, "modinfo: ERROR: Module drbd not found.\n", CommandOutcome.DONE),
    (SECONDARY, 0, NO_MODULE_9, CommandOutcome.REFUSED),
    (SECONDARY, 20, NO_MODULE_84, CommandOutcome.REFUSED),
    (CONNECT, 20, NO_MODULE_9, CommandOutcome.REFUSED),
    (CONNECT, 10, NET_CONFIG, CommandOutcome.ALREADY),
    (CONNECT, 10, ADDRESS, CommandOutcome.ALREADY),  # (source)
    (DISCARD, 10, NET_CONFIG, CommandOutcome.REFUSED),
    (DISCARD, 10, ADDRESS, CommandOutcome.REFUSED),  # (source)
    (SECONDARY, 10, ADDRESS, CommandOutcome.FAILED),
    (
        DISCARD, 10, "mail: Failure: (123) --discard-my-data not allowed when primary.\n",
        CommandOutcome.REFUSED,
    ),
    (SECONDARY, 11, HELD_OPEN, CommandOutcome.HELD_OPEN),
    (
        SECONDARY, 11, "mail: State change failed: (-1) Multiple primaries not allowed by config\n",
        CommandOutcome.REFUSED,
    ),
    (
        SECONDARY, 17, "mail: State change failed: (-2) Need access to UpToDate data\n",
        CommandOutcome.REFUSED,
    ),
    (
        CONNECT, 1, "'nosuch' not defined in your config (for this host).\n",
        CommandOutcome.UNKNOWN_RESOURCE,
    ),
    (
        CONNECT, 1, "Not a valid connection (mail:nosuch) for this host\n",
        CommandOutcome.UNKNOWN_RESOURCE,
    ),
    (
        CONNECT, 1, NET_CONFIG + "Connection 'gamma' has the ignore flag set\n",
        CommandOutcome.FAILED,
    ),
    (
        CONNECT, 10, "/etc/drbd.conf: in resource mail, on alpha:\n"
        "\tIP 10.9.9.9 not found on this host.\n", CommandOutcome.REFUSED,
    ),
    (
        CONNECT, 10, "/etc/drbd.conf:2: Parse error: 'protocol | on | disk' expected,\n"
        "\tbut got '{' (TK 123)\n", CommandOutcome.REFUSED,
    ),
    (CONNECT, 20, "Can not open '/etc/drbd.conf'.\n.", CommandOutcome.REFUSED),
    (SECONDARY, 20, LOCKED, CommandOutcome.TRANSIENT),
    (SECONDARY, 20, LOCK_DENIED, CommandOutcome.NOT_PERMITTED),
    (CONNECT, 20, "mail: Operation not permitted\n", CommandOutcome.NOT_PERMITTED),  # (source)
    (
        CONNECT, 20, "Command 'drbdsetup connect mail 1' did not terminate within 121 seconds\n",
        CommandOutcome.TIMED_OUT,  # (source)
    ),
    (SECONDARY, 11, CONCURRENT, CommandOutcome.TRANSIENT),  # (source)
    (
        SECONDARY, 11, "mail: State change failed: (0)unknown error.\n",
        CommandOutcome.FAILED,  # (source)
    ),
    (CONNECT, 20, "mail: Error code 199 unknown.\n", CommandOutcome.FAILED),  # (source)
    (CONNECT, 10, "mail: Failure: (122) kmalloc() failed. Out of memory?\n", CommandOutcome.FAILED),
    (CONNECT, 11, "mail: State change failed: (-99) ?\n", CommandOutcome.FAILED),
    (CONNECT, 10, CONCURRENT, CommandOutcome.FAILED),  # a number with another exit status
    (CONNECT, 3, "", CommandOutcome.FAILED),
    (CONNECT, -9, "", CommandOutcome.FAILED),
    (CONNECT, 10, "mail: Failure: (125) x\nmail: Failure: (123) y\n", CommandOutcome.REFUSED),
]  # fmt: skip


@dataclass
class DrbdadmStandIn:
    """A drbdadm that logs its calls; the answer of a call is the last one for later calls too."""

    folder: Path
    slept_s: list[float] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    looks: list[bool] = field(default_factory=list)

    def answers(self, *answers: tuple[int, str], takes_s: float = 0.0) -> None:
        for number, (_, said) in enumerate(answers, start=1):
            (self.folder / f"said-{number}").write_text(said, encoding="utf-8")
        statuses = " ".join(str(status) for status, _ in answers)
        write_program(
            self.folder,
            "drbdadm",
            f'cd {shlex.quote(str(self.folder))}; echo "$*" >> calls; sleep {takes_s}\n'
            f"call=$(wc -l < calls); [ $call -le {len(answers)} ] || call={len(answers)}\n"
            f"set -- {statuses}; shift $((call - 1)); cat said-$call >&2; exit $1",
        )

    @property
    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.events.append(f"sleep after call {len(self.calls)}")

    def before_retry(self) -> bool:
        self.events.append(f"look after call {len(self.calls)}")
        return self.looks.pop(0) if self.looks else True

    def run_action(
        self, kind: ActionKind, *, give_up_after_s: float = 60, timeout_s: float = PATIENCE_S
    ) -> CommandResult:
        return run_action(
            Action(kind, "mail", PICTURE),
            SubprocessRunner(),
            str(self.folder / "drbdadm"),
            timeout_s,
            self.sleep,
            before_retry=self.before_retry,
            give_up_after_s=give_up_after_s,
        )


@pytest.fixture
def drbdadm(tmp_path: Path) -> DrbdadmStandIn:
    return DrbdadmStandIn(tmp_path)


def said_by(row: Row) -> str:
    """A message that the row is for."""
    if isinstance(row.answer, int):
        what = "Failure" if row.answer > 0 else "State change failed"
        return f"mail: {what}: ({row.answer}) some words\n"
    return next((s for _, e, s, o in ANSWERS if (e, o) == (row.exit_status, row.outcome)), "")


@pytest.mark.parametrize(
    ("kind", "exit_status", "said", "outcome"), [answer for answer in ANSWERS if answer[1] >= 0]
)
def test_what_was_measured_is_understood(
    drbdadm: DrbdadmStandIn, kind: ActionKind, exit_status: int, said: str, outcome: CommandOutcome
) -> None:
    drbdadm.answers((exit_status, said))

    result = drbdadm.run_action(kind)

    assert result.outcome == outcome.value
    assert (result.exit_status, result.stderr) == (exit_status, said)


@pytest.mark.parametrize(("kind", "exit_status", "said", "outcome"), ANSWERS)
def test_classify_is_pure(
    kind: ActionKind, exit_status: int, said: str, outcome: CommandOutcome
) -> None:
    assert classify(Completed(("drbdadm",), exit_status, stderr=said), kind) is outcome


@pytest.mark.parametrize(
    "row",
    [row for row in TABLE if isinstance(row.answer, int)],
    ids=lambda row: f"{row.exit_status}{row.answer:+}-{len(row.kinds)}",
)
def test_every_numbered_row_is_reached(row: Row) -> None:
    for kind in row.kinds:
        completed = Completed(("drbdadm",), row.exit_status, stderr=said_by(row))
        assert classify(completed, kind) is row.outcome


def test_every_worded_row_has_a_message() -> None:
    met = {known_answer(status, said, kind) for kind, status, said, _ in ANSWERS}
    unmet = {row for row in TABLE if isinstance(row.answer, str)} - met

    assert {row.answer for row in unmet} == {r"Could not connect to 'drbd' generic netlink family"}


def test_only_a_plain_connect_is_ever_needless() -> None:
    assert {row.kinds for row in TABLE if row.outcome is CommandOutcome.ALREADY} == {
        frozenset({CONNECT})
    }


def test_an_absurd_number_is_no_known_answer() -> None:
    said = f"mail: Failure: ({'1' * 5000}) What?\n"
    assert classify(Completed(("drbdadm",), 10, stderr=said), CONNECT) is CommandOutcome.FAILED


def test_a_program_that_was_not_there() -> None:
    completed = Completed(("drbdadm",), None, error="drbdadm was not found")

    assert classify(completed, CONNECT) is CommandOutcome.NOT_STARTED


def test_a_missing_drbdadm_is_a_result(drbdadm: DrbdadmStandIn) -> None:
    result = drbdadm.run_action(CONNECT)

    assert result.outcome == "not-started"
    assert "install drbd-utils" in explain_result(result)


def test_a_time_out_is_not_tried_again(drbdadm: DrbdadmStandIn) -> None:
    drbdadm.answers((0, ""), takes_s=60)

    result = drbdadm.run_action(CONNECT, timeout_s=1.0)

    assert (result.outcome, result.exit_status) == ("timed-out", None)
    assert len(drbdadm.calls) == 1
    assert "may still take effect" in explain_result(result)


@pytest.mark.parametrize(
    ("exit_status", "said"),
    [(0, ""), (11, HELD_OPEN), (10, NET_CONFIG), (3, "?"), (20, LOCK_DENIED), (1, "?")],
)
def test_only_a_transient_answer_is_worth_another_try(
    drbdadm: DrbdadmStandIn, exit_status: int, said: str
) -> None:
    drbdadm.answers((exit_status, said))

    drbdadm.run_action(SECONDARY)

    assert drbdadm.calls == ["secondary mail"]
    assert drbdadm.events == []


def test_another_try_helps_after_a_pause_and_a_look(drbdadm: DrbdadmStandIn) -> None:
    drbdadm.answers((11, CONCURRENT), (20, LOCKED), (0, ""))

    result = drbdadm.run_action(SECONDARY)

    assert (result.outcome, result.exit_status) == ("done", 0)
    assert drbdadm.calls == ["secondary mail"] * 3
    assert drbdadm.events == [
        "sleep after call 1", "look after call 1", "sleep after call 2", "look after call 2",
    ]  # fmt: skip
    first_s, second_s = drbdadm.slept_s
    assert 0.2 <= first_s <= 0.4 <= second_s <= 0.6


def test_the_duration_is_that_of_all_tries(drbdadm: DrbdadmStandIn) -> None:
    drbdadm.answers((11, CONCURRENT), takes_s=0.2)

    assert drbdadm.run_action(SECONDARY).duration_s >= 0.6


def test_tries_are_bounded_in_number(drbdadm: DrbdadmStandIn) -> None:
    drbdadm.answers((11, CONCURRENT))

    result = drbdadm.run_action(SECONDARY)

    assert (result.outcome, result.exit_status) == ("transient", 11)
    assert len(drbdadm.calls) == 3
    assert "the next pass tries again" in explain_result(result)


def test_tries_are_bounded_in_time(drbdadm: DrbdadmStandIn) -> None:
    drbdadm.answers((11, CONCURRENT), takes_s=0.3)

    result = drbdadm.run_action(SECONDARY, give_up_after_s=0.3)

    assert result.outcome == "transient"
    assert len(drbdadm.calls) == 1
    assert drbdadm.slept_s == []


def test_nothing_is_tried_again_once_the_state_has_changed(drbdadm: DrbdadmStandIn) -> None:
    drbdadm.answers((11, CONCURRENT))
    drbdadm.looks = [True, False, True]

    result = drbdadm.run_action(SECONDARY)

    assert (result.outcome, result.exit_status) == ("superseded", 11)
    assert result.stderr == CONCURRENT
    assert len(drbdadm.calls) == 2
    assert "the next pass decides anew" in explain_result(result)


def test_an_exception_in_the_look_goes_on(drbdadm: DrbdadmStandIn) -> None:
    drbdadm.answers((11, CONCURRENT))

    def look() -> bool:
        raise PassTimedOut("over")

    with pytest.raises(PassTimedOut):
        run_action(
            Action(SECONDARY, "mail", PICTURE),
            SubprocessRunner(),
            str(drbdadm.folder / "drbdadm"),
            PATIENCE_S,
            drbdadm.sleep,
            before_retry=look,
        )
    assert len(drbdadm.calls) == 1


def test_a_name_that_is_an_option_runs_nothing(drbdadm: DrbdadmStandIn) -> None:
    drbdadm.answers((0, ""))

    with pytest.raises(ValueError, match="is not handed to drbdadm"):
        run_action(
            Action(CONNECT, "--force", PICTURE),
            SubprocessRunner(),
            str(drbdadm.folder / "drbdadm"),
            PATIENCE_S,
            drbdadm.sleep,
            before_retry=drbdadm.before_retry,
        )
    assert drbdadm.calls == []


def result_of(
    *words: str, exit_status: int | None, stderr: str, outcome: CommandOutcome
) -> CommandResult:
    return CommandResult(("/usr/sbin/drbdadm", *words, "mail"), outcome.value, exit_status, stderr)


def test_a_sentence_names_the_command_the_reason_and_the_remedy() -> None:
    held = result_of("secondary", exit_status=11, stderr=HELD_OPEN,
                     outcome=CommandOutcome.HELD_OPEN)  # fmt: skip

    assert explain_result(held) == (
        "`drbdadm secondary mail` was refused because the device is held open"
        " (mail: State change failed: (-12) Device is held open by someone;"
        " drbd0 opened by mount (pid 244) at 2026-11-24 17:17:55.223):"
        " close what holds it open (mounts, swap, LVM on top)."
    )


def test_a_discard_that_came_too_late_says_so() -> None:
    late = result_of("connect", "--discard-my-data", exit_status=10, stderr=NET_CONFIG,
                     outcome=CommandOutcome.REFUSED)  # fmt: skip

    assert "nothing was given up" in explain_result(late)


def test_noise_is_left_out_of_the_sentence() -> None:
    sentence = explain_result(
        result_of("connect", exit_status=20, stderr=NO_MODULE_84, outcome=CommandOutcome.REFUSED)
    )

    assert "modinfo" not in sentence
    assert "terminated" not in sentence
    assert sentence.endswith("load the kernel module with `modprobe drbd`.")


def test_an_unknown_failure_without_a_word_tells_its_status() -> None:
    sentence = explain_result(
        result_of("connect", exit_status=3, stderr="", outcome=CommandOutcome.FAILED)
    )

    assert "(exit status 3)" in sentence


def test_a_flood_of_words_is_cut() -> None:
    sentence = explain_result(
        result_of("connect", exit_status=3, stderr="x" * 9999, outcome=CommandOutcome.FAILED)
    )

    assert len(sentence) < 500


@pytest.mark.parametrize("outcome", CommandOutcome)
@pytest.mark.parametrize("exit_status", [None, 0, 1, 11])
def test_every_outcome_has_a_sentence(outcome: CommandOutcome, exit_status: int | None) -> None:
    sentence = explain_result(
        result_of("connect", exit_status=exit_status, stderr="", outcome=outcome)
    )

    assert sentence.startswith("`drbdadm connect mail` ")
    assert sentence.endswith(".")
