"""What cluster managers call, with a `connector` that says what it is told.

That they fit the real command is tried in tests/takeover.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from connector.settings import TakeoverSettings

from .programs import needed

CONTRIB = Path(__file__).resolve().parents[2] / "contrib"
HEARTBEAT = CONTRIB / "heartbeat/connector-resource"
OCF = CONTRIB / "ocf/connector"
KEEPALIVED = CONTRIB / "keepalived/connector-notify"
SCRIPTS = (HEARTBEAT, OCF, KEEPALIVED)
TIMEOUT_S = 60

# What it answers to a command line is in a file of that name, the exit status in its first line.
CONNECTOR = """\
#!/bin/sh
echo "$*" >>"{folder}/calls"
answer="{folder}/$(echo "$*" | tr ' ' _)"
[ -e "$answer" ] || exit 0
sed 1d "$answer"
exit "$(head -n1 "$answer")"
"""
LOGGER = '#!/bin/sh\nprintf "%s\\n" "$*" >>"{folder}/logged"\n'


class Machine:
    """A folder with a `connector` that answers as it is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in (("connector", CONNECTOR), ("logger", LOGGER)):
            program = folder / "bin" / name
            program.parent.mkdir(exist_ok=True)
            program.write_text(text.format(folder=folder), encoding="utf-8")
            program.chmod(0o755)

    def answers(self, line: str, status: int, out: str = "") -> None:
        """From now on `connector LINE` ends with that status, and prints that."""
        path = self.folder / line.replace(" ", "_")
        path.write_text(f"{status}\n{out}\n", encoding="utf-8")

    def run(
        self, script: Path, *words: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a script of contrib/ to its end."""
        path = f"{self.folder / 'bin'}:/usr/bin:/bin"
        return subprocess.run(
            [str(script), *words],
            env={"PATH": path, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    def calls(self) -> list[str]:
        """What connector was called with."""
        path = self.folder / "calls"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine whose connector succeeds and says nothing."""
    return Machine(tmp_path)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_each_is_a_program_in_plain_sh(script: Path) -> None:
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").startswith("#!/bin/sh\n")
    shell = shutil.which("dash") or "/bin/sh"
    done = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# Heartbeat


@pytest.mark.parametrize(
    ("status", "out", "said", "exit_status"),
    [
        (0, "mail: active\ndb: active", "running", 0),
        (0, "mail: passive\ndb: passive", "stopped", 3),
        (3, "mail: active\ndb: between", "unknown", 4),
        (0, "mail: active\ndb: passive", "unknown", 4),
        (69, "", "stopped", 3),
        (78, "", "unknown", 4),
    ],
)
def test_heartbeat_gets_the_word_that_it_looks_for(
    machine: Machine, status: int, out: str, said: str, exit_status: int
) -> None:
    machine.answers("takeover --status mail db", status, out)
    done = machine.run(HEARTBEAT, "mail", "db", "status")
    assert (done.stdout, done.returncode) == (f"{said}\n", exit_status)
    # ResourceManager: case `… status` in *[Rr]unning*|*OK*)
    assert bool(re.search("[Rr]unning|OK", done.stdout)) == (said == "running")


def test_heartbeat_starts_and_stops(machine: Machine) -> None:
    assert machine.run(HEARTBEAT, "mail", "db", "start").returncode == 0
    assert machine.run(HEARTBEAT, "mail", "db", "stop").returncode == 0
    assert machine.calls() == ["takeover mail db", "release mail db"]
    machine.answers("takeover mail", 3)
    assert machine.run(HEARTBEAT, "mail", "start").returncode == 1


@pytest.mark.parametrize(("state", "exit_status"), [("passive", 0), ("active", 1), ("between", 1)])
def test_heartbeats_stop_is_done_when_the_node_is_passive(
    machine: Machine, state: str, exit_status: int
) -> None:
    machine.answers("release mail", 3)
    machine.answers("takeover --status mail", 3 if state == "between" else 0, f"mail: {state}")
    assert machine.run(HEARTBEAT, "mail", "stop").returncode == exit_status


@pytest.mark.parametrize("words", [(), ("mail",), ("mail", "restart")])
def test_heartbeats_script_says_how_it_is_used(machine: Machine, words: Sequence[str]) -> None:
    done = machine.run(HEARTBEAT, *words)
    assert done.returncode == 2
    assert "usage: connector-resource RESOURCE... start|stop|status" in done.stderr
    assert machine.calls() == []


def test_the_group_in_haresources_names_the_script() -> None:
    text = (CONTRIB / "heartbeat/haresources").read_text(encoding="utf-8")
    (line,) = (line for line in text.splitlines() if line and not line.startswith("#"))
    nodes = (CONTRIB / "heartbeat/ha.cf").read_text(encoding="utf-8")
    assert f"\nnode {line.split()[0]}\n" in nodes
    assert line.split()[1].partition("::")[0] == HEARTBEAT.name


def test_heartbeats_death_is_later_than_drbds(machine: Machine) -> None:
    text = (CONTRIB / "heartbeat/ha.cf").read_text(encoding="utf-8")
    values = dict(line.split(None, 1) for line in text.splitlines() if re.match(r"\w+ \d+$", line))
    assert int(values["warntime"]) < int(values["deadtime"]) < int(values["initdead"])
    assert int(values["deadtime"]) >= TakeoverSettings().wait_for_peer_s


# OCF

SUCCESS, GENERIC, UNIMPLEMENTED, PERM, INSTALLED, CONFIGURED, NOT_RUNNING = 0, 1, 3, 4, 5, 6, 7
MAIL = {"OCF_RESKEY_resource": "mail"}


@pytest.mark.parametrize(
    ("status", "out", "exit_status"),
    [
        (0, "mail: active", SUCCESS),
        (0, "mail: passive", NOT_RUNNING),
        (3, "mail: between", GENERIC),
        (69, "", NOT_RUNNING),
        (78, "", CONFIGURED),
        (2, "", CONFIGURED),
        (77, "", PERM),
        (1, "", GENERIC),
    ],
)
def test_what_ocfs_monitor_answers(
    machine: Machine, status: int, out: str, exit_status: int
) -> None:
    machine.answers("takeover --status mail", status, out)
    assert machine.run(OCF, "monitor", environment=MAIL).returncode == exit_status


@pytest.mark.parametrize(
    ("status", "exit_status"),
    [(0, SUCCESS), (1, GENERIC), (3, GENERIC), (75, GENERIC), (77, PERM), (78, CONFIGURED)],
)
def test_what_ocfs_start_answers(machine: Machine, status: int, exit_status: int) -> None:
    machine.answers("takeover mail", status)
    assert machine.run(OCF, "start", environment=MAIL).returncode == exit_status


def test_ocf_says_that_the_peer_is_gone_only_where_that_is_set(machine: Machine) -> None:
    for value in ("true", "false", ""):
        machine.run(OCF, "start", environment={**MAIL, "OCF_RESKEY_peer_is_gone": value})
    assert machine.calls() == ["takeover --peer-is-gone mail", "takeover mail", "takeover mail"]


@pytest.mark.parametrize(("state", "exit_status"), [("passive", SUCCESS), ("active", GENERIC)])
def test_ocfs_stop_is_done_when_the_node_is_passive(
    machine: Machine, state: str, exit_status: int
) -> None:
    assert machine.run(OCF, "stop", environment=MAIL).returncode == SUCCESS
    machine.answers("release mail", 3)
    machine.answers("takeover --status mail", 0, f"mail: {state}")
    assert machine.run(OCF, "stop", environment=MAIL).returncode == exit_status


def test_ocf_validates(machine: Machine) -> None:
    assert machine.run(OCF, "validate-all", environment=MAIL).returncode == SUCCESS
    assert machine.run(OCF, "validate-all").returncode == CONFIGURED
    assert machine.run(OCF, "start").returncode == CONFIGURED
    machine.answers("takeover --status mail", 78)
    assert machine.run(OCF, "validate-all", environment=MAIL).returncode == CONFIGURED
    (machine.folder / "bin/connector").unlink()
    assert machine.run(OCF, "validate-all", environment=MAIL).returncode == INSTALLED
    assert machine.run(OCF, "monitor", environment=MAIL).returncode == INSTALLED
    assert machine.run(OCF, "promote", environment=MAIL).returncode == UNIMPLEMENTED
    assert machine.run(OCF).returncode == UNIMPLEMENTED


def test_ocfs_meta_data_names_every_action_and_parameter(machine: Machine) -> None:
    done = machine.run(OCF, "meta-data")
    assert done.returncode == SUCCESS
    root = ET.fromstring(done.stdout)
    actions = {item.get("name"): item.get("timeout") for item in root.iter("action")}
    assert set(actions) == {"start", "stop", "monitor", "validate-all", "meta-data"}
    used = set(re.findall(r"OCF_RESKEY_(\w+)", OCF.read_text(encoding="utf-8")))
    assert {item.get("name") for item in root.iter("parameter")} == used
    takeover = TakeoverSettings()
    longest_s = takeover.deadline_s + takeover.wait_for_lock_s + takeover.wait_for_peer_s
    assert int((actions["start"] or "").removesuffix("s")) > longest_s


def test_ocfs_meta_data_fits_the_standard(machine: Machine, tmp_path: Path) -> None:
    program = needed("xmllint", "libxml2-utils", "the OCF agent's meta-data against the DTD was")
    text = machine.run(OCF, "meta-data").stdout
    file = tmp_path / "meta-data.xml"
    dtd = Path("/usr/share/resource-agents/ra-api-1.dtd")
    line = '<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">\n'
    assert line in text
    valid = ["--valid"] if dtd.exists() else []
    file.write_text(text.replace("ra-api-1.dtd", str(dtd)), encoding="utf-8")
    done = subprocess.run(
        [program, "--noout", *valid, str(file)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


# keepalived


@pytest.mark.parametrize(
    ("state", "line"),
    [
        ("MASTER", "takeover mail db"),
        ("BACKUP", "release mail db"),
        ("FAULT", "release mail db"),
        ("STOP", "release mail db"),
        ("DELETED", "release mail db"),
    ],
)
def test_keepalived_says_the_state_and_the_log_tells(
    machine: Machine, state: str, line: str
) -> None:
    machine.answers(line, 3, "mail is Primary on alpha")
    done = machine.run(KEEPALIVED, "mail", "db", "INSTANCE", "VI_1", state, "100")
    assert done.returncode == 3
    assert machine.calls() == [line]
    logged = (machine.folder / "logged").read_text(encoding="utf-8")
    assert f"{state}: connector {line}: exit status 3: mail is Primary on alpha" in logged


@pytest.mark.parametrize(
    "words", [("INSTANCE", "VI_1", "MASTER", "100"), ("mail", "INSTANCE", "VI_1", "WHAT", "100")]
)
def test_keepalived_with_other_words_does_nothing(machine: Machine, words: Sequence[str]) -> None:
    assert machine.run(KEEPALIVED, *words).returncode == 2
    assert machine.calls() == []


def test_the_example_configuration_has_the_mounts_that_the_scripts_speak_of() -> None:
    text = (CONTRIB / "connector.toml").read_text(encoding="utf-8")
    _, _, block = text.partition("# [[resource.mail.mount]]\n")
    data = tomllib.loads("\n".join(line.removeprefix("# ") for line in block.splitlines()))
    assert set(data) == {"volume", "where", "type", "options", "fsck"}
    assert "[[resource.mail.mount]]" in OCF.read_text(encoding="utf-8")
    assert "[[resource.mail.mount]]" in HEARTBEAT.read_text(encoding="utf-8")
