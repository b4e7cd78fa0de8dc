"""One look at a whole root: all of it, nothing of it, and strange bytes in every file of it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from connector.doctor import own_manifest, peer
from connector.doctor.asked import Dumped
from connector.doctor.finding import FindingId
from connector.doctor.findings.all_areas import examine
from connector.doctor.manifest import parse
from connector.doctor.report import to_json, to_text
from connector.doctor.surroundings import Surroundings, look, program_of
from connector.memory import last_pass
from connector.program import Completed
from connector.settings import RunSettings, Settings
from connector.world import World
from tests.doctor.builders import NOW_S

PROJECT = Path(__file__).resolve().parents[2]
DUMP = (PROJECT / "tests/fixtures/dump_xml/8.4-healthy.xml").read_text()
PROC = "version: 8.4.11 (api:1/proto:86-101)\nsrcversion: 211FB288A383ED945B83420 \n"
FILES = {
    "proc/drbd": PROC,
    "proc/7/comm": "cron\n",
    "proc/8/comm": "prometheus-node\n",
    "proc/8/cmdline": "prometheus-node-exporter\0",
    "proc/self/mountinfo": "36 35 147:0 / /mnt/mail rw - ext4 /dev/drbd0 rw\n",
    "etc/drbd.conf": 'global { usage-count no; }\ninclude "drbd.d/*.res";\n',
    "etc/drbd.d/mail.res": 'common { net { shared-secret "geheim"; } }\n',
    "etc/cron.d/connector": (PROJECT / "contrib/cron/connector").read_text(),
    "etc/crontab": "",
    "etc/ha.d/ha.cf": "deadtime 30\ninitdead 120\n",
    "etc/ha.d/haresources": "alpha drbddisk::mail\n",
    "etc/ha.d/authkeys": "auth 1\n1 sha1 geheim\n",
    "etc/passwd": "root:x:0:0::/root:/bin/sh\nvmail:x:5000:5000::/:\n",
    "etc/group": "root:x:0:\nvmail:x:5000:\n",
    "etc/default/prometheus-node-exporter": 'ARGS=""\n',
    "state/last-pass.json": "",
    "connector.toml": "[run]\nsettle = 10\n",
}


class Still:
    """A clock that stands still."""

    def wall_s(self) -> float:
        return NOW_S

    def boot_s(self) -> float:
        return 86400.0

    def log_s(self) -> float:
        return 86400.0

    def sleep(self, seconds: float) -> None:
        """Nothing waits here."""


class Programs:
    """drbdadm and find, as on a healthy node; `said` is what drbdadm prints in their place."""

    def __init__(self, said: str | None = None) -> None:
        self.said = said

    def __call__(self, argv: Sequence[str], timeout_s: float) -> Completed:
        if argv[0] == "find":
            records = (f"0 0 {argv[1]}", f"5000 5000 {argv[1]}/a", "")
            return Completed(tuple(argv), 0, "\0".join(records))
        version = "DRBDADM_VERSION=9.22.0\n"
        text = version if argv[1] == "--version" else DUMP
        return Completed(tuple(argv), 0, text if self.said is None else self.said, "")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    last_pass.note(tmp_path / "state/last-pass.json", at_wall_s=NOW_S, duration_s=1, exit_status=0)
    return tmp_path


def looked(root: Path, said: str | None = None) -> tuple[World, Surroundings]:
    world = World(root=root, run=Programs(said), clock=Still(), host="alpha")
    run = replace(RunSettings(), state_dir=root / "state")
    return world, look(world, Settings(run=run, textfile=root / "state/c.prom"))


def test_a_whole_node(root: Path) -> None:
    _, seen = looked(root)
    assert isinstance(seen.drbd, Dumped)
    assert [one.name for one in seen.drbd.resources] == ["mail", "db"]
    assert seen.utils == "9.22.0"
    assert [mount.where for mount in seen.mounts] == ["/mnt/mail"]
    assert {(one.kind, one.name) for one in seen.owners.found} >= {("user", "vmail")}
    ids = {found.id for area in examine(seen) for found in area.findings}
    assert ids == {
        FindingId.WFC_TIMEOUT_INFINITE,
        FindingId.DEGR_WFC_TIMEOUT_INFINITE,
        FindingId.SPLIT_BRAIN_HANDLER_MISSING,
        FindingId.TEXTFILE_NOT_COLLECTED,
    }


def test_its_manifest_has_no_secret_and_compares_with_itself_as_with_a_peer(root: Path) -> None:
    world, seen = looked(root)
    own = own_manifest.make(world, seen, root / "connector.toml")
    text = own.model_dump_json()
    assert "geheim" not in text
    assert parse(text.encode()) == own
    assert own.files is not None
    assert [Path(file.path).name for file in own.files] == [
        "drbd.conf",
        "mail.res",
        "ha.cf",
        "haresources",
        "authkeys",
        "connector.toml",
    ]
    other = own.model_copy(update={"host": "beta"})
    found = peer.from_bytes(other.model_dump_json().encode(), "file", world.clock)
    with_peer = examine(replace(seen, own=own, peer=found))
    (area,) = [one for one in with_peer if one.area == "peer"]
    assert area.findings == ()


def test_the_hash_of_a_file_does_not_change_with_its_secret(root: Path) -> None:
    def hashes() -> list[str | None]:
        world, seen = looked(root)
        files = own_manifest.make(world, seen, root / "connector.toml").files
        return [file.sha256 for file in files or []]

    before = hashes()
    for name in ("etc/drbd.d/mail.res", "etc/ha.d/authkeys"):
        path = root / name
        path.write_text(path.read_text().replace("geheim", "another"))
    assert hashes() == before
    (root / "etc/ha.d/haresources").write_text("beta drbddisk::mail\n")
    assert hashes() != before


def test_a_handlers_program(root: Path) -> None:
    assert program_of("/usr/bin/a b; c") == "/usr/bin/a"
    assert program_of("/usr/bin/a; b") == "/usr/bin/a"
    assert program_of("echo x") is None
    assert program_of("") is None
    dump = DUMP.replace(
        '<section name="disk">',
        '<section name="handlers"><option name="split-brain" value="/bin/notify root"/></section>'
        '<section name="disk">',
        1,
    )
    assert looked(root, dump)[1].programs == {"/bin/notify": False}
    (root / "bin").mkdir()
    (root / "bin/notify").write_text("")
    assert looked(root, dump)[1].programs == {"/bin/notify": False}
    (root / "bin/notify").chmod(0o755)
    assert looked(root, dump)[1].programs == {"/bin/notify": True}


def told(root: Path, said: str | None = None) -> str:
    """Everything that the doctor can do with this root."""
    world, seen = looked(root, said)
    own = own_manifest.make(world, seen, root / "connector.toml")
    data = own.model_copy(update={"host": "beta"}).model_dump_json().encode()
    assert parse(data).host == "beta"
    found = peer.from_bytes(data, "file", world.clock)
    assert isinstance(found, peer.Peer)
    areas = examine(replace(seen, own=own, peer=found))
    json.dumps(to_json("alpha", areas)).encode("utf-8")
    text = to_text("alpha", areas, color=False)
    assert all(c.isprintable() or c == "\n" for c in text)
    text.encode("utf-8")
    return text


def test_an_empty_root_is_no_reason_to_fail(tmp_path: Path) -> None:
    assert "module-not-loaded" in told(tmp_path)


def a_folder(path: Path) -> None:
    path.mkdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_loop(path: Path) -> None:
    path.symlink_to(path.name)


def a_huge_file(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(64 * 1024 * 1024)


OTHERS = [a_folder, a_loop, a_huge_file, a_pipe]
# The state directory is root's alone, and every pass would wait at a pipe there.
PLACES = [
    (name, put)
    for name in sorted(FILES)
    for put in OTHERS
    if not name.startswith("proc/") and (put is not a_pipe or not name.startswith("state/"))
]


@pytest.mark.parametrize(("name", "put"), PLACES)
def test_something_else_in_the_place_of_a_file(
    root: Path, name: str, put: Callable[[Path], None]
) -> None:
    (root / name).unlink()
    put(root / name)
    assert "alpha" in told(root)


STRANGE = st.one_of(
    st.binary(max_size=120),
    st.text(alphabet=st.sampled_from('a0:#"{};=/.\\\n\t \x00\x1b[é*'), max_size=120).map(
        lambda text: text.encode()
    ),
)


@pytest.mark.parametrize("name", sorted(FILES))
@hypothesis_settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=STRANGE, kept=st.booleans())
def test_any_bytes_may_be_in_a_file(root: Path, name: str, data: bytes, kept: bool) -> None:
    path = root / name
    path.write_bytes((FILES[name].encode() if kept else b"") + data)
    assert "alpha" in told(root)


@hypothesis_settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(said=st.text(max_size=200))
def test_drbdadm_may_say_anything(root: Path, said: str) -> None:
    assert "alpha" in told(root, said)


@hypothesis_settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=st.sampled_from(["minor", "vnr", "name", "value"]), word=st.text(max_size=20))
def test_any_word_may_stand_in_the_dump(root: Path, name: str, word: str) -> None:
    from xml.sax.saxutils import quoteattr

    start = DUMP.index(f'{name}="')
    end = DUMP.index('"', start + len(name) + 2)
    assert "alpha" in told(root, DUMP[:start] + f"{name}={quoteattr(word)}" + DUMP[end + 1 :])


def test_a_root_that_is_gone(root: Path) -> None:
    shutil.rmtree(root)
    assert "module-not-loaded" in told(root)
