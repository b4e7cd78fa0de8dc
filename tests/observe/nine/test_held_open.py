"""Which minors are held open: from every captured node, and in composed roots."""

from __future__ import annotations

import json
import os
import stat as mode_bits
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from connector.model import Problem, Use, UseKind
from connector.observe import block_use
from connector.observe.block_use import BlockUse
from connector.observe.nine.held_open import HeldOpen, OpenQuestion, held_open
from tests.observe.test_block_use import as_an_ordinary_user

FIXTURES = Path(__file__).parents[2] / "fixtures/drbd-9"
NODES = [
    f"{folder.parent.name}/{folder.name}"
    for folder in sorted(FIXTURES.glob("*/*"))
    if folder.is_dir()
]
# Nothing is mounted there, only a process has the device open.
OPENED_ONLY = {
    "2n-opened-read-only/alpha",
    "2n-opened-read-write/alpha",
    "2n-split-brain-opened-not-mounted/alpha",
}
MAIL = OpenQuestion(0, "mail", 0)
SAID = Use(UseKind.OPENER, "held open, says drbdsetup")
SYSTEMD = Use(UseKind.OPENER, "systemd (pid 1)")


def sleep(pid: int) -> Use:
    return Use(UseKind.OPENER, f"sleep (pid {pid})")


def put_openers(root: Path, resource: str, volume: int, data: str) -> Path:
    path = root / f"sys/kernel/debug/drbd/resources/{resource}/volumes/{volume}/openers"
    path.parent.mkdir(parents=True)
    path.write_text(data, encoding="utf-8")
    return path


def add_process(root: Path, pid: int, name: str, *targets: str) -> Path:
    """A process with these open files, as descriptors 0, 1 and so on."""
    folder = root / f"proc/{pid}"
    (folder / "fd").mkdir(parents=True)
    (folder / "comm").write_text(f"{name}\n", encoding="utf-8")
    for number, target in enumerate(targets):
        (folder / f"fd/{number}").symlink_to(target)
    return folder


class Node:
    """A captured node as a root, first without debugfs and with nothing but process 1."""

    def __init__(self, captured: str, root: Path) -> None:
        self.folder = FIXTURES / captured
        self.root = root
        situation, node = captured.split("/")
        expected = json.loads((FIXTURES / situation / "expected.json").read_text(encoding="utf-8"))
        self.in_use = {name: item["in_use"] for name, item in expected.get(node, {}).items()}
        self.init = add_process(root, 1, "systemd", "/dev/null")
        for process in ("self", "1"):
            (root / f"proc/{process}").mkdir(exist_ok=True)
            mounts = (self.folder / "mountinfo").read_bytes()
            (root / f"proc/{process}/mountinfo").write_bytes(mounts)
        (root / "proc/swaps").write_bytes((self.folder / "swaps").read_bytes())

    def devices(self, *, told: bool) -> list[OpenQuestion]:
        """What is asked for; `told`: drbdsetup is new enough to say `open`."""
        text = (self.folder / "drbdsetup_status_utils-9.34.json").read_text(encoding="utf-8")
        return [
            OpenQuestion(
                device["minor"], item["name"], device["volume"], device["open"] if told else None
            )
            for item in json.loads(text)
            for device in item["devices"]
        ]

    def show_debugfs(self) -> None:
        text = (self.folder / "debugfs_openers").read_text(encoding="utf-8")
        for part in text.split("== ")[1:]:
            path, _, lines = part.partition("\n")
            resource, _, volume, _ = path.split("/")
            put_openers(self.root, resource, int(volume), lines)

    def look(self, devices: list[OpenQuestion]) -> dict[str, bool | None]:
        """Whether each resource is in use, as a pass would find it."""
        use = block_use.read(self.root, {device.minor for device in devices})
        assert use.problems == ()
        asked = [device for device in devices if not use.of(device.minor)]
        both = held_open(self.root, asked).added_to(use)
        return in_use(devices, both.used_by)


def in_use(
    devices: Iterable[OpenQuestion], used_by: Mapping[int, tuple[Use, ...] | None]
) -> dict[str, bool | None]:
    found: dict[str, bool | None] = {}
    for device in devices:
        uses = used_by[device.minor]
        now = None if uses is None else bool(uses)
        before = found.get(device.resource, False)
        found[device.resource] = True if True in (now, before) else None if now is None else before
    return found


@pytest.mark.parametrize("captured", NODES)
def test_captured_nodes_with_a_new_drbdsetup(captured: str, tmp_path: Path) -> None:
    node = Node(captured, tmp_path)
    assert node.look(node.devices(told=True)) == node.in_use


@pytest.mark.parametrize("captured", NODES)
def test_captured_nodes_with_an_old_drbdsetup_and_debugfs(captured: str, tmp_path: Path) -> None:
    node = Node(captured, tmp_path)
    node.show_debugfs()
    devices = node.devices(told=False)
    assert node.look(devices) == node.in_use
    # The kernel's list alone says the same: it has the mounts, too.
    answer = held_open(tmp_path, devices)
    assert in_use(devices, answer.used_by) == node.in_use
    assert answer.certain == {device.minor for device in devices}
    assert answer.problems == ()


@pytest.mark.parametrize("captured", NODES)
def test_captured_nodes_with_neither(captured: str, tmp_path: Path) -> None:
    node = Node(captured, tmp_path)
    devices = node.devices(told=False)
    if captured not in OPENED_ONLY:
        assert node.look(devices) == node.in_use
        return
    assert node.look(devices) == {"mail": False}
    add_process(tmp_path, 4088, "sleep", "/dev/null", "/dev/drbd0")
    assert node.look(devices) == node.in_use


@pytest.mark.parametrize("captured", NODES)
def test_captured_nodes_whose_processes_may_not_be_looked_into(
    captured: str, tmp_path: Path
) -> None:
    node = Node(captured, tmp_path)
    hide(node.init)
    found = node.look(node.devices(told=False))
    for name, used in node.in_use.items():
        assert found[name] is (True if used and captured not in OPENED_ONLY else None)


@pytest.mark.parametrize("situation", ["2n-mounted-read-only", "2n-mounted-read-only-disconnected"])
@pytest.mark.parametrize("node", ["alpha", "beta"])
def test_a_secondary_that_is_mounted_read_only(situation: str, node: str, tmp_path: Path) -> None:
    captured = Node(f"{situation}/{node}", tmp_path)
    [device] = captured.devices(told=True)
    assert device.open
    assert captured.look([device]) == {"mail": True}
    [status] = json.loads((captured.folder / "drbdsetup_status.json").read_text(encoding="utf-8"))
    assert status["role"] == "Secondary"


def hide(process: Path) -> None:
    """As of a process that may not be looked into; root may read every real folder."""
    for link in (process / "fd").iterdir():
        link.unlink()
    (process / "fd").rmdir()
    (process / "fd").symlink_to("fd")


def test_drbdsetup_decides_and_debugfs_gives_the_names(tmp_path: Path) -> None:
    put_openers(tmp_path, "mail", 0, "sleep\t253\t2108\n")
    devices = [OpenQuestion(0, "mail", 0, True), OpenQuestion(7, "db", 0, True)]
    assert held_open(tmp_path, devices) == HeldOpen(
        {0: (sleep(253),), 7: (Use(UseKind.OPENER, "held open, says drbdsetup"),)},
        frozenset({0, 7}),
    )


def test_what_is_open_anywhere_is_open(tmp_path: Path) -> None:
    """drbdsetup prints false also where its kernel does not tell."""
    put_openers(tmp_path, "mail", 0, "sleep\t253\t2108\n")
    put_openers(tmp_path, "mail", 1, "")
    devices = [OpenQuestion(0, "mail", 0, False), OpenQuestion(1, "mail", 1, True)]
    found = held_open(tmp_path, devices)
    assert found.used_by == {0: (sleep(253),), 1: (SAID,)}
    assert found.certain == {0, 1}


def test_closed_says_drbdsetup_and_nothing_speaks_against_it(tmp_path: Path) -> None:
    """Without a list and without the right to look, its word counts; a process that is seen, more.

    Asked of nobody else, that there is no /proc makes it unknown.
    """
    closed = [OpenQuestion(0, "mail", 0, False)]
    assert held_open(tmp_path, closed).used_by == {0: ()}
    assert held_open(tmp_path, [MAIL]).used_by == {0: None}
    add_process(tmp_path, 253, "sleep", "/dev/drbd0")
    assert held_open(tmp_path, closed).used_by == {0: (sleep(253),)}


def test_several_openers_and_one_without_a_name(tmp_path: Path) -> None:
    put_openers(tmp_path, "mail", 0, "sleep\t9\t1\n\t8\t2\n+sleep\t9\t1\n")
    nameless = Use(UseKind.OPENER, "a process (pid 8)")
    assert held_open(tmp_path, [MAIL]).used_by == {0: (sleep(9), nameless)}


def test_a_list_that_is_not_understood_is_no_answer(tmp_path: Path) -> None:
    put_openers(tmp_path, "mail", 0, "v: 1\n")
    add_process(tmp_path, 1, "systemd")
    found = held_open(tmp_path, [MAIL])
    assert found == HeldOpen(
        {0: None}, problems=(Problem(1, "mail/0: a line of openers that cannot be read"),)
    )
    add_process(tmp_path, 5, "sleep", "/dev/drbd0")
    assert held_open(tmp_path, [MAIL]).used_by == {0: (sleep(5),)}


def test_a_list_that_is_understood_in_part_tells_of_use(tmp_path: Path) -> None:
    put_openers(tmp_path, "mail", 0, "sleep\t9\t1\nv: 1\n")
    found = held_open(tmp_path, [MAIL])
    assert found.used_by == {0: (sleep(9),)}
    assert found.problems == (Problem(2, "mail/0: a line of openers that cannot be read"),)


def test_a_list_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = put_openers(tmp_path, "mail", 0, "")
    path.unlink()
    path.mkdir()
    add_process(tmp_path, 1, "systemd")
    found = held_open(tmp_path, [MAIL])
    assert found.used_by == {0: ()}
    assert found.certain == frozenset()
    message = "the openers of mail/0 cannot be read: Is a directory"
    assert found.problems == (Problem(None, message),)


def test_processes_of_several_minors(tmp_path: Path) -> None:
    add_process(tmp_path, 1, "systemd", "socket:[5]", "/dev/drbd/by-res/gone")
    add_process(tmp_path, 20, "sleep", "/dev/drbd10", "/dev/drbd0", "/dev/drbd0")
    add_process(tmp_path, 3, "sleep", "/dev/drbd0p1", "/dev/drbd1x", "/mnt/dev/drbd1")
    (tmp_path / "proc/30").mkdir()
    devices = [OpenQuestion(minor, "mail", minor) for minor in (0, 1)]
    assert held_open(tmp_path, devices) == HeldOpen({0: (sleep(3), sleep(20)), 1: ()})


class FakeStat:
    """Answers for links by their target and notes each; devices by major and minor number."""

    def __init__(self, devices: Mapping[str, tuple[int, int]], kind: int = mode_bits.S_IFBLK):
        self.devices = devices
        self.kind = kind
        self.asked: list[str] = []

    def __call__(self, path: str) -> os.stat_result:
        target = os.readlink(path)
        self.asked.append(target)
        if target not in self.devices:
            raise FileNotFoundError(target)
        fields = (self.kind | 0o600, *[0] * 9)
        return os.stat_result(fields, {"st_rdev": os.makedev(*self.devices[target])})


def test_devices_are_told_by_their_numbers(tmp_path: Path) -> None:
    add_process(tmp_path, 1, "systemd", "/dev/drbd0")
    add_process(tmp_path, 2, "sleep", "/dev/vdb (deleted)")
    add_process(tmp_path, 3, "sleep", "/dev/drbd0p1")
    add_process(tmp_path, 4, "sleep", "/dev/vdc")
    partition = tmp_path / "sys/block/drbd0/drbd0p1"
    partition.mkdir(parents=True)
    (partition / "dev").write_text("259:4\n", encoding="utf-8")
    stat = FakeStat(
        {
            "/dev/drbd0": (8, 0),
            "/dev/vdb (deleted)": (147, 0),
            "/dev/drbd0p1": (259, 4),
            "/dev/vdc": (147, 1),
        }
    )
    assert held_open(tmp_path, [MAIL], stat).used_by == {0: (sleep(2), sleep(3))}


def test_a_character_device_of_that_number_is_another(tmp_path: Path) -> None:
    add_process(tmp_path, 1, "systemd", "/dev/odd")
    stat = FakeStat({"/dev/odd": (147, 0)}, mode_bits.S_IFCHR)
    assert held_open(tmp_path, [MAIL], stat).used_by == {0: ()}


def test_nothing_is_asked_after_but_files_below_dev(tmp_path: Path) -> None:
    away = ("/mnt/nfs/gone", "/mnt/dev/drbd0", "/device", "pipe:[7]", "anon_inode:[eventfd]")
    add_process(tmp_path, 1, "systemd", *away, "/dev/drbd0")
    stat = FakeStat({"/dev/drbd0": (147, 0)})
    assert held_open(tmp_path, [MAIL], stat).used_by == {0: (SYSTEMD,)}
    assert stat.asked == ["/dev/drbd0"]


def test_processes_are_not_looked_into_where_drbd_tells(tmp_path: Path) -> None:
    add_process(tmp_path, 1, "systemd", "/dev/drbd0", "/dev/drbd1")
    put_openers(tmp_path, "mail", 1, "")
    stat = FakeStat({"/dev/drbd0": (147, 0), "/dev/drbd1": (147, 1)})
    devices = [OpenQuestion(0, "mail", 0, True), OpenQuestion(1, "mail", 1)]
    assert held_open(tmp_path, devices, stat) == HeldOpen({0: (SAID,), 1: ()}, frozenset({0, 1}))
    assert stat.asked == []


def test_a_process_of_this_machine() -> None:
    """Real links: this process has /dev/null open, which is taken for a device here."""

    def stat(path: str) -> os.stat_result:
        kind = mode_bits.S_IFBLK if os.readlink(path) == "/dev/null" else mode_bits.S_IFREG
        return os.stat_result((kind | 0o600, *[0] * 9), {"st_rdev": os.makedev(147, 0)})

    unheard_of = OpenQuestion(0, "a resource that nobody has", 0)
    with Path("/dev/null").open("rb"):
        uses = held_open(Path("/"), [unheard_of], stat).used_by[0]
    assert uses is not None
    assert any(use.where.endswith(f" (pid {os.getpid()})") for use in uses)


def test_this_machine_has_no_such_device_open() -> None:
    found = held_open(Path("/"), [OpenQuestion(2**20 - 1, "a resource that nobody has", 0)])
    assert not found.used_by[2**20 - 1]


@pytest.mark.parametrize("found", [False, True])
def test_a_process_that_may_not_be_looked_into(found: bool, tmp_path: Path) -> None:
    add_process(tmp_path, 1, "systemd", *(["/dev/drbd0"] if found else []))
    hide(add_process(tmp_path, 7, "sleep"))
    answer = held_open(tmp_path, [MAIL, OpenQuestion(1, "mail", 1)])
    assert answer.used_by == {
        0: (SYSTEMD,) if found else None,
        1: None,
    }
    minors = "1" if found else "0, 1"
    message = (
        f"whether minor {minors} is held open is not known: 1 processes may not be looked into"
    )
    assert answer.problems == (Problem(None, message),)


def test_an_ordinary_user_may_look_into_neither() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        put_openers(root, "mail", 0, "sleep\t7\t1\n")
        add_process(root, 1, "systemd")
        (root / "sys/kernel/debug").chmod(0)
        (add_process(root, 7, "sleep", "/dev/drbd0") / "fd").chmod(0)
        with as_an_ordinary_user():
            answer = held_open(root, [MAIL])
        (root / "sys/kernel/debug").chmod(0o755)
        (root / "proc/7/fd").chmod(0o755)
    message = "whether minor 0 is held open is not known: 1 processes may not be looked into"
    assert answer == HeldOpen({0: None}, problems=(Problem(None, message),))


def test_processes_that_others_hide(tmp_path: Path) -> None:
    add_process(tmp_path, 7, "sleep")
    answer = held_open(tmp_path, [MAIL])
    message = "whether minor 0 is held open is not known: not all processes are shown"
    assert answer == HeldOpen({0: None}, problems=(Problem(None, message),))


def test_more_processes_than_are_looked_at(tmp_path: Path) -> None:
    for pid in (1, 2, 3):
        add_process(tmp_path, pid, "sleep", "/dev/drbd0" if pid == 3 else "/dev/null")
    answer = held_open(tmp_path, [MAIL], max_processes=2)
    assert answer.used_by == {0: None}
    [problem] = answer.problems
    assert problem.message.endswith(": more than 2 processes: not all were looked at")
    assert held_open(tmp_path, [MAIL], max_processes=3).used_by == {0: (sleep(3),)}


def test_no_proc(tmp_path: Path) -> None:
    answer = held_open(tmp_path, [MAIL])
    assert answer.used_by == {0: None}
    [problem] = answer.problems
    assert problem.message.endswith("the processes cannot be listed: No such file or directory")


def test_nothing_is_asked(tmp_path: Path) -> None:
    assert held_open(tmp_path, []) == HeldOpen({})


MOUNTED = (Use(UseKind.MOUNT, "/mnt/mail"),)


@pytest.mark.parametrize(
    ("seen", "told", "certain", "together"),
    [
        (MOUNTED, (sleep(5),), True, MOUNTED),
        (MOUNTED, None, False, MOUNTED),
        ((), (sleep(5),), False, (sleep(5),)),
        ((), (), False, ()),
        ((), None, False, None),
        (None, (sleep(5),), False, (sleep(5),)),
        (None, (), True, ()),
        (None, (), False, None),
        (None, None, False, None),
    ],
)
def test_added_to_what_block_use_found(
    seen: tuple[Use, ...] | None,
    told: tuple[Use, ...] | None,
    certain: bool,
    together: tuple[Use, ...] | None,
) -> None:
    use = BlockUse({0: seen, 3: MOUNTED}, (Problem(None, "first"),))
    held = HeldOpen({0: told}, frozenset({0} if certain else ()), (Problem(None, "second"),))
    both = held.added_to(use)
    assert both.used_by == {0: together, 3: MOUNTED}
    assert [problem.message for problem in both.problems] == ["first", "second"]
