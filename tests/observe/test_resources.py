"""The names of resources: asked of drbdadm once, kept until a configuration file changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.model import AfterSplitBrain, ConfiguredResource, ConfiguredVolume
from connector.observe.configuration_files import MAIN_FILES, MAX_DEPTH, fingerprint
from connector.observe.resources import ResourcesUnknown, known_resources
from connector.program import Completed

XML = (Path(__file__).parents[1] / "fixtures/dump_xml/8.4-several-names-in-one-host.xml").read_text(
    encoding="utf-8"
)
KNOWN = (
    ConfiguredResource(
        "mail",
        (ConfiguredVolume(0, 0),),
        AfterSplitBrain("discard-zero-changes", "discard-secondary", "call-pri-lost-after-sb"),
        "/etc/drbd.conf",
        ("beta",),
    ),
    ConfiguredResource(
        "two",
        (ConfiguredVolume(0, 1), ConfiguredVolume(3, 2)),
        AfterSplitBrain("discard-zero-changes", "consensus", "disconnect"),
        "/etc/drbd.conf",
        ("beta",),
    ),
)


class Drbdadm:
    """Runs nothing; gives what it was told to, and counts."""

    def __init__(self, answer: Completed | None = None) -> None:
        self.answer = answer or Completed((), 0, stdout=XML)
        self.asked: list[tuple[tuple[str, ...], float]] = []

    def __call__(self, argv: Sequence[str], timeout_s: float) -> Completed:
        self.asked.append((tuple(argv), timeout_s))
        return self.answer


class Node:
    """A configuration folder and a state folder below a temporary one."""

    def __init__(self, folder: Path) -> None:
        self.etc = folder / "etc"
        self.cache = folder / "state/resources.json"
        self.drbdadm = Drbdadm()
        (self.etc / "drbd.d").mkdir(parents=True)
        self.write("drbd.conf", 'include "drbd.d/global_common.conf";\ninclude "drbd.d/*.res";\n')
        self.write("drbd.d/global_common.conf", "global { usage-count no; }\n")
        self.write("drbd.d/mail.res", "resource mail { }\n")

    def write(self, name: str, text: str) -> None:
        (self.etc / name).write_text(text, encoding="utf-8")

    def ask(self, host: str = "alpha", drbdadm: str = "drbdadm") -> tuple[ConfiguredResource, ...]:
        return known_resources(self.drbdadm, drbdadm, host, self.cache, self.etc, 7.5)

    @property
    def processes(self) -> int:
        return len(self.drbdadm.asked)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def test_drbdadm_is_asked_once(node: Node) -> None:
    assert node.ask() == KNOWN
    assert node.ask() == KNOWN
    assert node.drbdadm.asked == [(("drbdadm", "dump-xml"), 7.5)]


def test_the_cache_is_private_and_plain(node: Node) -> None:
    node.ask()
    assert node.cache.stat().st_mode & 0o777 == 0o600
    assert os.listdir(node.cache.parent) == [node.cache.name]
    kept = json.loads(node.cache.read_text(encoding="ascii"))
    assert kept["key"]["host"] == "alpha"
    assert kept["resources"][1]["volumes"] == [[0, 1], [3, 2]]


def test_no_resources_are_an_answer_that_is_kept(node: Node) -> None:
    node.drbdadm.answer = Completed((), 0, stdout="<config></config>")
    assert node.ask() == ()
    assert node.ask() == ()
    assert node.processes == 1


def change_content(node: Node) -> None:
    node.write("drbd.d/mail.res", "resource mail { } # changed\n")


def change_keeping_size_and_time(node: Node) -> None:
    path = node.etc / "drbd.d/mail.res"
    before = path.stat()
    node.write("drbd.d/mail.res", "resource liam { }\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def replace_by_a_copy(node: Node) -> None:
    path = node.etc / "drbd.d/mail.res"
    copy = path.with_suffix(".new")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)


def turn_a_link(node: Node) -> None:
    path = node.etc / "drbd.d/mail.res"
    path.rename(node.etc / "elsewhere")
    path.symlink_to("../elsewhere")


def add_a_resource(node: Node) -> None:
    node.write("drbd.d/db.res", "")


def remove_a_resource(node: Node) -> None:
    (node.etc / "drbd.d/mail.res").unlink()


def add_a_main_file(node: Node) -> None:
    node.write("drbd-84.conf", "")


@pytest.mark.parametrize(
    "change",
    [
        change_content,
        change_keeping_size_and_time,
        replace_by_a_copy,
        turn_a_link,
        add_a_resource,
        remove_a_resource,
        add_a_main_file,
    ],
)
def test_a_change_of_the_configuration_asks_again(
    node: Node, change: Callable[[Node], None]
) -> None:
    node.ask()
    change(node)
    node.drbdadm.answer = Completed((), 0, stdout="<config></config>")
    assert node.ask() == ()
    assert node.ask() == ()
    assert node.processes == 2


def test_a_file_that_is_not_included_asks_nobody(node: Node) -> None:
    node.ask()
    node.write("drbd.d/mail.res.bak", "")
    node.write("drbd.d/.hidden.res", "")
    node.ask()
    assert node.processes == 1


def test_another_host_or_another_drbdadm_asks_again(node: Node) -> None:
    node.ask()
    assert node.ask(host="delta") == (KNOWN[1],)
    assert node.ask(host="delta", drbdadm="/opt/drbdadm") == (KNOWN[1],)
    assert node.processes == 3


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            Completed((), 10, stderr="\nmodinfo: ERROR: no\nmail.res:3: Parse error\n  b\nc\nd\n"),
            "drbdadm dump-xml failed with exit status 10: mail.res:3: Parse error / b / c",
        ),
        (Completed((), 1, stdout="no resources defined!"), "no resources defined!"),
        (Completed((), -9), "failed with exit status -9: it said nothing"),
        (Completed((), None), "drbdadm dump-xml did not end within 7.5 s"),
        (Completed((), None, error="not found"), "could not be started: not found"),
        (Completed((), 0, stdout="garbage"), "is not XML"),
        (Completed((), 1, stdout=XML, stderr="x" * 9999), "x" * 400),
    ],
)
def test_without_an_answer_the_cache_does_not_count(
    node: Node, answer: Completed, why: str
) -> None:
    node.ask()
    kept = node.cache.read_bytes()
    change_content(node)
    node.drbdadm.answer = answer
    for _ in range(2):
        with pytest.raises(ResourcesUnknown) as caught:
            node.ask()
        assert why in str(caught.value)
        assert len(str(caught.value)) < 500
    assert node.cache.read_bytes() == kept


def test_a_state_folder_that_cannot_be_written_costs_a_process(node: Node) -> None:
    node.cache.parent.symlink_to("state")
    assert node.ask() == KNOWN
    assert node.ask() == KNOWN
    assert node.processes == 2


def test_a_cache_that_others_may_write_is_not_trusted(node: Node) -> None:
    node.ask()
    node.cache.chmod(0o620)
    assert node.ask() == KNOWN
    assert node.processes == 2
    assert node.cache.stat().st_mode & 0o777 == 0o600


def test_a_cache_of_another_user_is_not_trusted(node: Node) -> None:
    node.ask()
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(node.cache, 65534, 65534)
    assert node.ask() == KNOWN
    assert node.processes == 2


def test_a_link_in_place_of_the_cache_is_not_followed(node: Node) -> None:
    node.ask()
    target = node.cache.rename(node.cache.with_name("target"))
    node.cache.symlink_to(target.name)
    before = target.read_bytes()
    assert node.ask() == KNOWN
    assert node.processes == 2
    assert target.read_bytes() == before
    assert not node.cache.is_symlink()


def with_volumes(volumes: object) -> object:
    return [{"name": "mail", "file": None, "after_sb": ["a", "b", "c"], "volumes": volumes}]


@pytest.mark.parametrize(
    "entries",
    [
        None,
        {},
        [None],
        [[]],
        [{}],
        with_volumes([[0, True]]),
        with_volumes([[0, 1.0]]),
        with_volumes([[0, "1"]]),
        with_volumes([[0, -1]]),
        with_volumes([[0]]),
        with_volumes([[0, 1, 2]]),
        with_volumes([[0, 1], [1, 1]]),
        with_volumes([]),
        with_volumes(["01"]),
        with_volumes(None),
        [{"name": "all", "file": None, "after_sb": ["a", "b", "c"], "volumes": [[0, 0]]}],
        [{"name": 1, "file": None, "after_sb": ["a", "b", "c"], "volumes": [[0, 0]]}],
        [{"name": "m", "file": [], "after_sb": ["a", "b", "c"], "volumes": [[0, 0]]}],
        [{"name": "m", "file": None, "after_sb": ["a", "b"], "volumes": [[0, 0]]}],
        [{"name": "m", "file": None, "after_sb": ["a", "b", None], "volumes": [[0, 0]]}],
    ],
)
def test_a_malformed_cache_is_ignored_even_with_a_right_checksum(
    node: Node, entries: object
) -> None:
    node.ask()
    kept = json.loads(node.cache.read_bytes())
    kept["resources"] = entries
    kept["crc32"] = crc32(json.dumps(entries, sort_keys=True).encode("ascii"))
    node.cache.write_text(json.dumps(kept), encoding="ascii")
    assert node.ask() == KNOWN
    assert node.processes == 2
    assert node.ask() == KNOWN, "the rewritten one counts again"
    assert node.processes == 2


def test_a_flipped_digit_is_noticed(node: Node) -> None:
    node.ask()
    text = node.cache.read_text(encoding="ascii")
    assert text.count('"mail"') == 1
    node.cache.write_text(text.replace('"mail"', '"liam"'), encoding="ascii")
    assert node.ask() == KNOWN
    assert node.processes == 2


@settings(deadline=None)
@given(
    cut=st.floats(min_value=0, max_value=1),
    removed=st.integers(min_value=0, max_value=40),
    inserted=st.binary(max_size=4)
    | st.sampled_from([b"0", b"1", b",", b"[", b"null", b"[" * 9999]),
)
def test_no_damage_to_the_cache_gives_a_wrong_answer(
    cut: float, removed: int, inserted: bytes
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        node = Node(Path(folder))
        node.ask()
        kept = node.cache.read_bytes()
        at = int(cut * len(kept))
        node.cache.write_bytes(kept[:at] + inserted + kept[at + removed :])
        assert node.ask() == KNOWN


def watched(etc: Path) -> list[str]:
    found = fingerprint(etc)
    assert found is not None
    return [str(Path(str(state[0])).relative_to(etc)) for state in found if len(state) > 1]


def test_every_main_file_is_looked_for(node: Node) -> None:
    found = fingerprint(node.etc)
    assert found is not None
    assert {str(node.etc / name) for name in MAIN_FILES} < {state[0] for state in found}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('include "one.res";', ["drbd.conf", "one.res"]),
        ("include one.res;", ["drbd.conf", "one.res"]),
        ("include\n # a comment\n\t'x' one.res;", ["drbd.conf"]),
        ("include\n # a comment\n\tone.res ;", ["drbd.conf", "one.res"]),
        ('# include "one.res";', ["drbd.conf"]),
        ('x { secret "a#b"; } include "one.res"; # c', ["drbd.conf", "one.res"]),
        ('x { secret "a\\"#b"; } include "one.res";', ["drbd.conf", "one.res"]),
        ('x { secret "include"; } "one.res";', ["drbd.conf"]),
        ('include "ONE/one.res";', ["drbd.conf"]),
        ('include "o[^x]e.res";', ["drbd.conf", "one.res"]),
        ('include "sub/*.res";', ["drbd.conf", "sub/deeper.inc", "sub/two.res"]),
        ('resource r { template-file "one.res"; }', ["drbd.conf", "one.res"]),
        ('include "drbd.conf"; include "sub/../drbd.conf";', ["drbd.conf", "sub/../drbd.conf"]),
    ],
)
def test_includes(tmp_path: Path, text: str, expected: list[str]) -> None:
    (tmp_path / "sub").mkdir()
    files = {
        "drbd.conf": text,
        "one.res": "",
        "sub/two.res": "include deeper.inc;",
        "sub/deeper.inc": "",
        "unrelated": "",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert watched(tmp_path) == expected


def test_an_absolute_include_and_a_folder_with_odd_characters(tmp_path: Path) -> None:
    etc = tmp_path / "e[t]c *"
    etc.mkdir()
    (etc / "drbd.conf").write_text(f'include "{tmp_path}/*.res"; include "a.inc";', "utf-8")
    (etc / "a.inc").write_text("", "utf-8")
    (tmp_path / "mail.res").write_text("", "utf-8")
    found = fingerprint(etc)
    assert found is not None
    there = {str(state[0]) for state in found if len(state) > 1}
    assert there == {str(etc / "drbd.conf"), str(etc / "a.inc"), str(tmp_path / "mail.res")}


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop", "large"])
def test_what_cannot_be_read_for_certain_is_not_kept(node: Node, kind: str) -> None:
    path = node.etc / "drbd.d/odd.res"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "loop":
        path.symlink_to(path.name)
    else:
        path.write_bytes(b"#" * (4 * 1024 * 1024 + 1))
    assert fingerprint(node.etc) is None
    assert node.ask() == KNOWN
    assert node.ask() == KNOWN
    assert node.processes == 2


def test_includes_deeper_than_drbdadm_allows_are_not_kept(tmp_path: Path) -> None:
    (tmp_path / "drbd.conf").write_text("include 0.inc;", "utf-8")
    for number in range(MAX_DEPTH):
        (tmp_path / f"{number}.inc").write_text(f"include {number + 1}.inc;", "utf-8")
    assert fingerprint(tmp_path) is not None
    (tmp_path / f"{MAX_DEPTH}.inc").write_text("", "utf-8")
    assert fingerprint(tmp_path) is None


@settings(deadline=None)
@given(st.binary())
def test_no_configuration_file_raises(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        etc = Path(folder)
        (etc / "drbd.conf").write_bytes(content + b' include "' + content)
        fingerprint(etc)


def test_a_healthy_pass_loads_neither_xml_nor_subprocess() -> None:
    script = (
        "import sys, connector.observe.resources, connector.observe.block_use\n"
        "unwanted = {'xml.etree.ElementTree', 'subprocess', 'pydantic'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(unwanted)) or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
