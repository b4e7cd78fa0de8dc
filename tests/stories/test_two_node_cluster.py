"""docs/two-node-cluster.md is played from its first command to its last on two bare machines."""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.config import load
from tests.docs import pages
from tests.docs.played import FAILED, HERE, Step, Written, first_not_shown, parts
from tests.docs.test_commands import accept
from tests.lab.bare_machines import BareMachines
from tests.lab.drbd_node import CHECKOUT, DrbdNode
from tests.lab.errors import LabError, NodeDied
from tests.lab.pair import Pair
from tests.lab.wait import wait_until

PAGE = "docs/two-node-cluster.md"
PARTS = parts(pages.text(PAGE))
OTHER = {"alpha": "beta", "beta": "alpha"}
# The page lets a command be repeated that only looks. Emulated, a take-over takes a minute or two.
LOOKS = (
    *("cat /srv", "drbdadm status", "cl_status", "service mail-smtp status", "bash -c 'head"),
    *("connector status", "connector takeover mail --status", "connector doctor", "ssh "),
    *(f"connector recover mail --peer ssh:{who} --victim here --dry-run" for who in OTHER),
)
LOOK_TIMEOUT_S = 420.0
PAUSE_S = 3.0
COMMAND_TIMEOUT_S = 900.0
BUILD_TIMEOUT_S = 900.0
SETTLE_TIMEOUT_S = 600.0
BUILD = "python3 packaging/deb.py ."
CRASH = "echo b >/proc/sysrq-trigger"
BEATS_BEGIN = "service heartbeat start"
LINKS_BACK = "for link in eth0 eth1; do tc qdisc del dev $link root; done"
NAME = "NAME"
KEPT = re.compile(r"^\d{8}T\d{6}Z-mail", re.MULTILINE)


class Reader:
    """Does what the page says, and notes where it is not as the page says."""

    def __init__(self, machines: BareMachines, scratch: Path) -> None:
        """`scratch` is where the package is built."""
        self.pair = machines.pair
        self._machines = machines
        self._scratch = scratch
        self._name = NAME
        self._exchanged = False

    def do(self, part: Step | Written) -> None:
        """One command, or one file. Raises AssertionError where another thing is printed."""
        if isinstance(part, Written):
            self._write(part)
        elif part.node == HERE:
            self._build(part)
        else:
            step = self._as_here(part)
            nodes = self._nodes(step.node)
            for node in nodes:
                if not node.running:
                    self._machines.boot(node)
            if step.line == BEATS_BEGIN:
                self.pair.on_both(self._machines.keep)
            if step.line == CRASH:
                self._crash(nodes[0], step.line)
            elif len(nodes) == 1:
                self._type(nodes[0], step)
            else:
                self.pair.on_both(lambda node: self._type(node, step))
            if step.line == LINKS_BACK:
                self._look_who_is_active()

    def _nodes(self, name: str) -> list[DrbdNode]:
        return [node for node in self.pair.nodes if name in (node.name, "both")]

    def _write(self, file: Written) -> None:
        for node in self._nodes(file.node):
            node.run(f"printf %s {shlex.quote(file.text)} >{shlex.quote(file.path)}")

    def _build(self, step: Step) -> None:
        """The checkout stays as it is: the package goes into another folder."""
        assert step.line == BUILD
        words = [*shlex.split(step.line)[:-1], str(self._scratch)]
        done = subprocess.run(
            words,
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=BUILD_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert first_not_shown(step.shown, done.stdout) is None, done.stdout
        self._machines.bring(Path(done.stdout.strip()))

    def _type(self, node: DrbdNode, step: Step) -> None:
        until_s = time.monotonic() + (LOOK_TIMEOUT_S if step.line.startswith(LOOKS) else 0.0)
        while True:
            done = node.run(step.line, COMMAND_TIMEOUT_S, check=False)
            printed = f"{done.stdout}{done.stderr}".rstrip("\n") + "\n"
            if done.exit_status != 0:
                printed += f"{FAILED}{done.exit_status})\n"
            print(f"{time.monotonic():.0f} {node.name}# {step.line}\n{printed}", flush=True)
            missing = first_not_shown(step.shown, printed)
            failed = any(FAILED in line for line in step.shown)
            if missing is None and failed == (done.exit_status != 0):
                break
            assert time.monotonic() < until_s, (
                f"{node.name}# {step.line}\n{printed}not as on the page: {missing}"
            )
            time.sleep(PAUSE_S)
        if kept := KEPT.search(printed):
            self._name = kept[0]

    def _crash(self, node: DrbdNode, line: str) -> None:
        """It boots when the page comes back to it: the other one must have taken over first."""
        self._machines.keep_changed(node)
        with pytest.raises(NodeDied):
            node.run(line)
        node.crash()

    def _look_who_is_active(self) -> None:
        """Heartbeat may choose the other node than on the page, which says what to do then."""
        active = wait_until(
            self._only_active,
            timeout_s=SETTLE_TIMEOUT_S,
            what="one node is active and the other one passive",
            saw=lambda: "\n".join(
                node.run("tail -n 30 /var/log/ha-log").stdout for node in self.pair.nodes
            ),
        )
        self._exchanged = active != "beta"

    def _only_active(self) -> str | None:
        asked = "cl_status rscstatus; connector takeover mail --status 2>/dev/null"
        said = {
            node.name: node.run(asked, COMMAND_TIMEOUT_S, check=False).stdout.split()
            for node in self.pair.nodes
        }
        time.sleep(PAUSE_S)
        states = sorted((held[-1:], held[:1], name) for name, held in said.items())
        (first, held, active), (second, idle, _) = states
        resting = {*held, *idle} <= {"all", "local", "none"}
        return active if resting and (first, second) == (["active"], ["passive"]) else None

    def _as_here(self, step: Step) -> Step:
        def here(text: str) -> str:
            if self._exchanged:
                text = re.sub("alpha|beta", lambda name: OTHER[name[0]], text)
            return text.replace(NAME, self._name)

        # NAME is a heading of the list, too.
        return Step(
            here(step.node),
            here(step.line),
            tuple(
                line if line.startswith(f"{NAME} ") and "rescue list" in step.line else here(line)
                for line in step.shown
            ),
        )


@pytest.fixture
def machines(booted_pair: Pair) -> Iterator[BareMachines]:
    """Two bare machines, and afterwards a pair like any other."""
    bare = BareMachines(booted_pair)
    for node in booted_pair.nodes:
        node.more_evidence = {"ha-log": "cat /var/log/ha-log"}
    try:
        bare.begin()
        yield bare
    finally:
        bare.end()
        for node in booted_pair.nodes:
            node.more_evidence = {}


@pytest.mark.soak
@pytest.mark.real_drbd
@pytest.mark.story_timeout(3600)
def test_the_page_is_what_happens(machines: BareMachines, tmp_path: Path) -> None:
    reader = Reader(machines, tmp_path)
    for number, part in enumerate(PARTS, start=1):
        try:
            reader.do(part)
        except LabError as error:
            raise AssertionError(f"{PAGE}, part {number}: {part}: {error}") from error


def test_nothing_on_the_page_is_left_out() -> None:
    page = pages.text(PAGE)
    typed = [part for part in PARTS if isinstance(part, Step)]
    written = [part for part in PARTS if isinstance(part, Written)]
    assert len(re.findall(r"^(?:\$|(?:alpha|beta|both)#) ", page, re.MULTILINE)) == len(typed)
    assert page.count("```") == 2 * (len(written) + len(pages.blocks(page, "console")))
    assert [part.path for part in written] == [
        *("/etc/hosts", "/etc/drbd.d/mail.res", "/etc/connector/connector.toml"),
        *("/srv/mail/etc/services", "/srv/mail/etc/cron.cluster"),
        *("/etc/ha.d/authkeys", "/etc/ha.d/ha.cf", "/etc/ha.d/haresources"),
    ]
    assert [part.line for part in typed if part.node == HERE] == [BUILD]
    for line in (BEATS_BEGIN, CRASH, LINKS_BACK, "connector rescue mount NAME /mnt/rescue"):
        assert [part.line for part in typed].count(line) == 1, line


def test_each_command_of_connector_exists() -> None:
    lines = [part.line for part in PARTS if isinstance(part, Step)]
    own = [line for line in lines if line.startswith("connector ")]
    assert len(own) > 15
    for line in own:
        accept(shlex.split(line)[1:])


def written(path: str) -> str:
    """The text of a file on the page."""
    (text,) = [part.text for part in PARTS if isinstance(part, Written) and part.path == path]
    return text


def test_the_configuration_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "connector.toml"
    file.write_text(written("/etc/connector/connector.toml"), encoding="utf-8")
    settings = load(file, {})
    assert [str(mount.where) for mount in settings.mounts["mail"]] == ["/srv/mail"]


def directives(text: str, left_out: str) -> list[str]:
    """The lines without comments, and without those that begin with a word of one's own."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [line for line in lines if not line.startswith(left_out)]


def test_heartbeats_files_are_the_projects_own() -> None:
    own = directives(pages.text("contrib/heartbeat/ha.cf"), "ucast")
    assert directives(written("/etc/ha.d/ha.cf"), "ucast") == ["logfile /var/log/ha-log", *own]
    (line,) = directives(pages.text("contrib/heartbeat/haresources"), "-")
    address = "IPaddr2::10.9.1.50/24/eth1"
    assert (
        written("/etc/ha.d/haresources")
        == line.replace("IPaddr2::192.168.1.50/24/eth0", address) + "\n"
    )
