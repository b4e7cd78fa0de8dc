"""Which minors are in use, seen in composed roots: a folder with proc/ and sys/."""

from __future__ import annotations

import os
import stat as mode_bits
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.model import ConfiguredResource, ConfiguredVolume, Problem, Use, UseKind
from connector.observe import namespaces
from connector.observe.block_use import BlockUse, minor_named, read

FIXTURES = Path(__file__).parents[1] / "fixtures/mountinfo"
NO_DRBD = b"29 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
LOOP = "loop"  # a symbolic link to itself: cannot be read, but is there


def fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def line(minor: int, where: str) -> bytes:
    return f"34 29 147:{minor} / {where} rw - ext4 /dev/drbd{minor} rw\n".encode()


def mount(where: str) -> Use:
    return Use(UseKind.MOUNT, where)


def put(path: Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if content == LOOP:
        path.symlink_to(path.name)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def add_process(
    root: Path, pid: int | str, mountinfo: bytes | str | None, *, ns: str = "", chroot: str = "/"
) -> None:
    folder = root / f"proc/{pid}"
    (folder / "ns").mkdir(parents=True)
    if mountinfo is not None:
        put(folder / "mountinfo", mountinfo)
    if ns:
        (folder / "ns/mnt").symlink_to(f"mnt:[{ns}]")
        (folder / "root").symlink_to(chroot)


def compose(
    root: Path,
    own: bytes | str = NO_DRBD,
    *,
    swaps: bytes | str | None = None,
    holders: Mapping[str, str] | None = None,
) -> Path:
    """A root whose own namespace has these mounts; `holders` maps a sysfs folder to a name."""
    add_process(root, "self", own, ns="1")
    add_process(root, 1, own, ns="1")
    if swaps is not None:
        put(root / "proc/swaps", swaps)
    for folder, name in (holders or {}).items():
        put(root / "sys/block" / folder / name, b"")
    return root


def resource(name: str, *minors: int) -> ConfiguredResource:
    return ConfiguredResource(
        name, tuple(ConfiguredVolume(number, minor) for number, minor in enumerate(minors))
    )


def test_nothing_in_use(tmp_path: Path) -> None:
    assert read(compose(tmp_path), {0, 7}) == BlockUse({0: (), 7: ()})


def test_a_minor_that_was_not_asked_for_is_not_known(tmp_path: Path) -> None:
    use = read(compose(tmp_path, fixture("8.4-healthy")), {1})
    assert use == BlockUse({1: (mount("/mnt/db"),)})
    assert use.of(0) is None


def test_similar_names_are_not_mistaken(tmp_path: Path) -> None:
    use = read(compose(tmp_path, fixture("similar-names")), {0, 1, 2, 3, 10})
    expected = {0: (), 1: (mount("/srv/drbd0"),), 2: (), 3: (), 10: (mount("/dev/drbd0"),)}
    assert use == BlockUse(expected)


def test_the_name_of_the_source_means_nothing(tmp_path: Path) -> None:
    own = b"34 29 147:5 / /mnt/five rw - ext4 /dev/root rw\n"
    assert read(compose(tmp_path, own), {5}) == BlockUse({5: (mount("/mnt/five"),)})


def test_every_mount_point_is_listed_once(tmp_path: Path) -> None:
    use = read(compose(tmp_path, fixture("bind-and-second-mount")), {0})
    assert use.of(0) == (mount("/mnt/mail"), mount("/var/spool/mail"), mount("/backup"))


def test_anonymous_device_numbers_are_told_by_exact_name(tmp_path: Path) -> None:
    resources = [resource("mail", 2), resource("db", 3), resource("nas:", 5)]
    root = compose(tmp_path, fixture("anonymous-device-numbers"))
    assert read(root, range(6), resources) == BlockUse(
        {
            0: (),
            1: (mount("/mnt/a"),),
            2: (mount("/mnt/b"),),
            3: (mount("/mnt/c"),),
            4: (),
            5: (),
        }
    )


@pytest.mark.parametrize(
    "source",
    ["/dev/drbd/by-res/mail", "/dev/drbd/by-disk/vg/mail", "/dev/drbd_mail", "/dev/drbd01"],
)
def test_a_drbd_name_that_leads_nowhere_makes_all_unknown(tmp_path: Path, source: str) -> None:
    own = f"34 29 0:41 / /mnt/a rw - btrfs {source} rw\n".encode() + line(1, "/mnt/db")
    # Two volumes: by-res/mail is a folder then, not a device.
    use = read(compose(tmp_path, own), {0, 1}, [resource("mail", 0, 2)])
    assert use.used_by == {0: None, 1: (mount("/mnt/db"),)}
    assert use.problems == (Problem(None, f"{source} is in use, but its minor is not known"),)


def test_mounts_of_another_namespace(tmp_path: Path) -> None:
    root = compose(tmp_path, line(0, "/mnt/z") + line(0, "/mnt/y"))
    add_process(root, 20, line(0, "/b") + line(0, "/mnt/y") + line(1, "/c"), ns="2")
    add_process(root, 3, line(0, "/d") + line(0, "/a"), ns="3")
    use = read(root, {0, 1})
    expected = [mount(where) for where in ("/mnt/z", "/mnt/y", "/a", "/b", "/d")]
    assert use == BlockUse({0: tuple(expected), 1: (mount("/c"),)})


def test_a_namespace_is_read_once_for_each_root_directory(tmp_path: Path) -> None:
    root = compose(tmp_path)
    add_process(root, 5, line(0, "/never/read"), ns="1")
    add_process(root, 6, line(0, "/in/the/chroot"), ns="1", chroot="/srv/jail")
    assert read(root, {0}) == BlockUse({0: (mount("/in/the/chroot"),)})


def test_where_the_links_are_missing_every_file_is_read(tmp_path: Path) -> None:
    root = compose(tmp_path)
    add_process(root, 5, NO_DRBD)
    add_process(root, 6, line(0, "/mnt/mail"))
    assert read(root, {0}) == BlockUse({0: (mount("/mnt/mail"),)})


def test_a_process_that_ended_is_ignored_and_another_of_its_namespace_read(
    tmp_path: Path,
) -> None:
    root = compose(tmp_path)
    add_process(root, 5, None, ns="2")
    add_process(root, 6, line(0, "/mnt/mail"), ns="2")
    (root / "proc/7").mkdir()
    assert read(root, {0}) == BlockUse({0: (mount("/mnt/mail"),)})


def test_a_process_nobody_has_waited_for(tmp_path: Path) -> None:
    """A real one: its mountinfo gives EINVAL, which must not make everything unknown."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        root = compose(tmp_path)
        (root / "proc" / str(pid)).symlink_to(f"/proc/{pid}")
        assert read(root, {0}) == BlockUse({0: ()})
    finally:
        os.waitpid(pid, 0)


@pytest.mark.parametrize("kind", ["folder", "loop"])
@pytest.mark.parametrize("name", ["self", "9"])
def test_mounts_that_cannot_be_read_make_all_unknown(tmp_path: Path, name: str, kind: str) -> None:
    root = compose(tmp_path, line(1, "/mnt/db"))
    path = root / f"proc/{name}/mountinfo"
    if name == "9":
        add_process(root, 9, None, ns="9")
    else:
        path.unlink()
    if kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("mountinfo")
    use = read(root, {0, 1})
    assert use.used_by == {0: None, 1: (mount("/mnt/db"),)}
    [problem] = use.problems
    assert problem.message.startswith(f"mounts of process {name} cannot be read: ")


def test_no_mountinfo_at_all(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    use = read(tmp_path, {0, 1})
    assert use.used_by == {0: None, 1: None}
    assert use.problems == (Problem(None, f"no mountinfo could be read under {tmp_path / 'proc'}"),)


def test_no_proc_at_all(tmp_path: Path) -> None:
    use = read(tmp_path, {0})
    assert use.of(0) is None
    assert use.problems[0].message == "the processes cannot be listed: No such file or directory"


def test_damaged_lines_make_unknown_what_they_may_have_been(tmp_path: Path) -> None:
    use = read(compose(tmp_path, fixture("damaged-lines")), {0, 1})
    assert use.used_by == {0: (mount("/mnt/mail"),), 1: None}
    assert [problem.line for problem in use.problems] == [2, 3, 4]


def test_a_long_mountinfo_is_read_to_its_end(tmp_path: Path) -> None:
    own = NO_DRBD * 5000 + line(0, "/mnt/mail")
    assert read(compose(tmp_path, own), {0}) == BlockUse({0: (mount("/mnt/mail"),)})


def test_a_mountinfo_over_the_bound(tmp_path: Path) -> None:
    lines = namespaces.MAX_TABLE_BYTES // len(NO_DRBD) + 1
    use = read(compose(tmp_path, line(0, "/mnt/mail") + NO_DRBD * lines), {0, 1})
    assert use.used_by == {0: (mount("/mnt/mail"),), 1: None}


def test_bounds(tmp_path: Path) -> None:
    root = compose(tmp_path)
    for pid in range(2, 8):
        add_process(root, pid, line(1, f"/mnt/{pid}"), ns=str(pid))
    assert namespaces.drbd_mounts(root, max_processes=7, max_namespaces=7).complete
    few = namespaces.drbd_mounts(root, max_processes=6)
    assert not few.complete
    assert few.problems == [Problem(None, "more than 6 processes: not all were looked at")]
    few = namespaces.drbd_mounts(root, max_namespaces=6)
    assert not few.complete
    assert few.problems == [Problem(None, "more than 6 mount namespaces: not all were looked at")]
    assert [found.where for found in few.others] == [f"/mnt/{pid}" for pid in range(2, 7)]


@contextmanager
def as_an_ordinary_user() -> Iterator[None]:
    """Root may read everything; only another user can be refused."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if was == 0:
            os.seteuid(0)


def test_other_users_processes_that_may_not_be_looked_into() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = compose(Path(folder), line(0, "/mnt/mail"))
        root.chmod(0o755)
        add_process(root, 5, line(1, "/mnt/db"), ns="5")
        (root / "proc/5/mountinfo").chmod(0)
        with as_an_ordinary_user():
            use = read(root, {0, 1})
    assert use.used_by == {0: (mount("/mnt/mail"),), 1: ()}
    assert use.problems == (
        Problem(None, "not root: mounts of 1 other processes could not be seen"),
    )


def test_swap(tmp_path: Path) -> None:
    root = compose(tmp_path, line(2, "/mnt/x"), swaps=fixture("8.4-swaps-on-drbd2"))
    uses = (mount("/mnt/x"), Use(UseKind.SWAP, "/dev/drbd2"))
    assert read(root, {0, 2}) == BlockUse({0: (), 2: uses})


@pytest.mark.parametrize(
    ("path", "minor"),
    [
        ("/dev/drbd10", 10),
        ("/dev/drbd1p2", 1),
        ("/dev/drbd/by-res/db/1", 3),
        ("/dev/drbd/by-res/mail", 0),
        ("/dev/drbd/by-res/mail/0", 0),
        ("/dev/drbd/by-res/two\\040words", 4),
        ("/dev/mapper/drbd1", None),
    ],
)
def test_swap_by_name(tmp_path: Path, path: str, minor: int | None) -> None:
    resources = [resource("mail", 0), resource("db", 2, 3), resource("two words", 4)]
    root = compose(tmp_path, swaps=f"{path} partition 1 0 -2\n")
    use = read(root, {0, 1, 2, 3, 4, 10}, resources)
    assert use.problems == ()
    assert [used for used, by in use.used_by.items() if by] == ([] if minor is None else [minor])


def test_a_path_is_looked_up_where_dev_is_this_machines() -> None:
    majors = {"/dev/drbd_mail": 147, "/dev/mine": 147, "/dev/drbd_not": 8}

    def stat(path: str) -> os.stat_result:
        if path == "/dev/drbd/by-res/two":
            return os.stat_result((mode_bits.S_IFDIR | 0o755, *[0] * 9))
        if path not in majors:
            raise FileNotFoundError(path)
        fields = (mode_bits.S_IFBLK | 0o600, *[0] * 9)
        return os.stat_result(fields, {"st_rdev": os.makedev(majors[path], 5)})

    assert minor_named("/dev/drbd_mail", {}, stat) == 5
    assert minor_named("/dev/mine", {}, stat) == 5
    assert minor_named("/dev/mine", {}, None) is None
    assert minor_named("/dev/drbd_not", {}, stat) is None
    assert minor_named("/dev/drbd7", {}, stat) == 7
    assert minor_named("/dev/drbd/by-res/gone", {"/dev/drbd/by-res/gone": 9}, stat) == 9
    with pytest.raises(LookupError):
        minor_named("/dev/drbd/by-res/two", {}, stat)
    with pytest.raises(LookupError):
        minor_named("/dev/drbd_mail", {}, None)


@pytest.mark.parametrize("swaps", [LOOP, "/dev/drbd01 partition 1 0 -2\n", "damaged\n"])
def test_swaps_in_doubt_make_all_unknown(tmp_path: Path, swaps: str) -> None:
    use = read(compose(tmp_path, line(1, "/mnt/db"), swaps=swaps), {0, 1})
    assert use.used_by == {0: None, 1: (mount("/mnt/db"),)}
    assert len(use.problems) == 1


def test_swap_and_mounts_of_this_machine() -> None:
    use = read(Path("/"), {0, 1})
    assert set(use.used_by) == {0, 1}


def test_holders(tmp_path: Path) -> None:
    holders = {
        "drbd0/holders": "dm-0",
        "drbd0/drbd0p1/holders": "md127",
        "drbd1/drbd10p1/holders": "dm-1",
        "drbd10/holders": "drbd100",
    }
    root = compose(tmp_path, line(0, "/mnt/mail"), holders=holders)
    (root / "sys/block/drbd2/holders").mkdir(parents=True)
    held = {name: Use(UseKind.HOLDER, name) for name in ("dm-0", "md127", "drbd100")}
    assert read(root, {0, 1, 2, 10}) == BlockUse(
        {
            0: (mount("/mnt/mail"), held["dm-0"], held["md127"]),
            1: (),
            2: (),
            10: (held["drbd100"],),
        }
    )


@pytest.mark.parametrize("broken", ["drbd0", "drbd0/holders", "drbd0/drbd0p1/holders"])
def test_holders_that_cannot_be_read_make_their_minor_unknown(tmp_path: Path, broken: str) -> None:
    root = compose(tmp_path)
    put(root / "sys/block" / broken, LOOP)
    use = read(root, {0, 1})
    assert use.used_by == {0: None, 1: ()}
    [problem] = use.problems
    assert problem.message.startswith("what is on top of minor 0 cannot be read: ")


@settings(deadline=None)
@given(own=st.binary(max_size=400), swaps=st.binary(max_size=200))
def test_garbage_never_raises(own: bytes, swaps: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = compose(Path(folder), own + b" 147: drbd\n", swaps=swaps)
        assert read(root, {0}).of(0) is None
