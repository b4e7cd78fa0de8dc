"""Copies of a volume: by the file systems' own tools, and whole."""

from __future__ import annotations

import os
import random
import stat
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connector.act.subprocess_runner import SubprocessRunner
from connector.errors import NotKept
from connector.program import Completed, Run
from connector.rescue.copying import CHUNK_BYTES, copy
from connector.rescue.kept import Method
from connector.rescue.method import Step, steps_for
from connector.rescue.superblock import READ_BYTES, identify
from tests.rescue.making import MIB, backing
from tests.rescue.test_method import PLENTY

LONG_S = 60.0


def for_ever() -> float:
    return LONG_S


def forbidden(argv: Sequence[str], timeout_s: float) -> Completed:
    raise AssertionError(f"{argv} was run")


def made(
    source: Path,
    target: Path,
    run: Run = forbidden,
    *,
    spare_bytes: int = 0,
    size_bytes: int | None = None,
    time_left_s: Callable[[], float] = for_ever,
) -> Step:
    """Copy `source` as connector would; how it was done."""
    with source.open("rb") as stream:
        filesystem = identify(stream.read(READ_BYTES))
    size = source.stat().st_size if size_bytes is None else size_bytes
    (step,) = steps_for([backing(data_bytes=size, filesystem=filesystem)], PLENTY)
    copy(step, source, target, run=run, time_left_s=time_left_s, spare_bytes=spare_bytes)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    return step


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "rescue").mkdir()
    return tmp_path / "rescue/volume-0.img"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "vda"


def make(source: Path, size_bytes: int, *mkfs: str) -> bytes:
    """A file system with a file in it (ext only); that file's bytes."""
    folder = source.parent / "content"
    folder.mkdir()
    content = random.Random(7).randbytes(200_000)
    (folder / "precious").write_bytes(content)
    with source.open("wb") as stream:
        stream.truncate(size_bytes)
    made = outcome(*mkfs, str(source), cwd=source.parent)
    assert made.returncode == 0, made.stderr
    return content


def outcome(*argv: str, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """What came of a program, which may be where only root's PATH leads."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    return subprocess.run(
        argv, env=environment, cwd=cwd, capture_output=True, timeout=LONG_S, check=False
    )


def room_of(path: Path) -> int:
    return path.stat().st_blocks * 512


def test_e2image_copies_what_is_in_use(source: Path, target: Path) -> None:
    content = make(source, 32 * MIB, "mkfs.ext4", "-q", "-b", "1024", "-d", "content")
    # What a deleted file leaves behind is not copied.
    with source.open("r+b") as stream:
        stream.seek(30 * MIB)
        stream.write(b"old" * 100_000)
    step = made(source, target, SubprocessRunner())
    assert step.method is Method.E2IMAGE
    assert target.stat().st_size == 32 * MIB
    assert room_of(target) <= step.room_bytes
    assert outcome("e2fsck", "-fn", str(target)).returncode == 0
    assert outcome("debugfs", "-R", "cat precious", str(target)).stdout == content
    assert b"oldold" not in target.read_bytes()


def test_what_only_the_journal_knows_of_is_kept_too(source: Path, target: Path) -> None:
    """As after a crash: the file's data is in its place, its inode only in the journal."""
    content = make(source, 16 * MIB, "mkfs.ext4", "-q", "-b", "1024", "-O", "^metadata_csum")
    before = source.read_bytes()
    assert outcome("debugfs", "-w", "-R", "write content/precious precious", str(source),
                   cwd=source.parent).returncode == 0  # fmt: skip
    after = source.read_bytes()
    data = {int(n) for n in outcome("debugfs", "-R", "blocks precious", str(source)).stdout.split()}
    blocks = {n: after[n * 1024 : n * 1024 + 1024] for n in range(len(after) // 1024)}
    changed = [n for n, block in blocks.items() if block != before[n * 1024 : n * 1024 + 1024]]
    metadata = [n for n in changed if n not in data]
    assert data
    assert metadata
    with source.open("r+b") as stream:
        for number in metadata:
            stream.seek(number * 1024)
            stream.write(before[number * 1024 : number * 1024 + 1024])
    (source.parent / "metadata").write_bytes(b"".join(blocks[number] for number in metadata))
    numbers = ",".join(map(str, metadata))
    (source.parent / "commands").write_text(f"jo\njw -b {numbers} metadata\njc\n")
    written = outcome("debugfs", "-w", "-f", "commands", str(source), cwd=source.parent)
    assert written.returncode == 0

    assert made(source, target).method is Method.WHOLE
    assert target.read_bytes() == source.read_bytes()
    replayed = outcome("e2fsck", "-fy", str(target))
    assert b"recovering journal" in replayed.stdout
    assert outcome("debugfs", "-R", "cat precious", str(target)).stdout == content


def test_xfs_copy_makes_the_same_file_system(source: Path, target: Path) -> None:
    make(source, 300 * MIB, "mkfs.xfs", "-q")
    step = made(source, target, SubprocessRunner())
    assert step.method is Method.XFS_COPY
    assert os.listdir(target.parent) == [target.name]  # and no log of xfs_copy's
    assert target.stat().st_size == 300 * MIB
    assert room_of(target) <= step.room_bytes
    with source.open("rb") as first, target.open("rb") as second:
        # With the same UUID: a log that is not clean still fits.
        assert second.read(READ_BYTES)[:512] == first.read(READ_BYTES)[:512]


# xfs_logprint of xfsprogs 6.1.0
CLEAN = """\
xfs_logprint:
    data device: 0xfe10
    log device: 0xfe10 daddr: 307248 length: 131072

    log tail: 2 head: 2 state: <CLEAN>

"""


@dataclass
class Tool:
    """A program that leaves something half done and ends."""

    status: int | None
    error: str | None = None
    log: str = CLEAN
    log_status: int = 0
    lines: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(self, argv: Sequence[str], timeout_s: float) -> Completed:
        self.lines.append(tuple(argv))
        if argv[0] == "xfs_logprint":
            return Completed(tuple(argv), self.log_status, stdout=self.log)
        if self.error is None:
            Path(argv[-1]).write_bytes(b"half")
            if "-L" in argv:
                Path(argv[list(argv).index("-L") + 1]).write_bytes(b"log")
        return Completed(tuple(argv), self.status, stderr="no\n", error=self.error)


def by_xfs_copy(source: Path, target: Path, tool: Run) -> None:
    step = Step(backing(data_bytes=source.stat().st_size), Method.XFS_COPY, 1)
    copy(step, source, target, run=tool, time_left_s=for_ever, spare_bytes=0)


def first_of(name: str, source: Path, size_bytes: int) -> None:
    beginning = (Path(__file__).parent / f"superblocks/{name}.bin").read_bytes()
    with source.open("wb") as stream:
        stream.write(beginning)
        stream.truncate(size_bytes)


@pytest.mark.parametrize(
    "tool",
    [
        Tool(127),  # as a shell says that it is missing
        Tool(None, "xfs_copy was not found"),
        Tool(1),
    ],
)
def test_an_xfs_that_xfs_copy_does_not_copy_is_copied_whole(
    source: Path, target: Path, tool: Tool
) -> None:
    source.write_bytes(b"x" + bytes(4 * MIB - 1))
    by_xfs_copy(source, target, tool)
    assert [line[0] for line in tool.lines] == ["xfs_logprint", "xfs_copy"]
    assert os.listdir(target.parent) == [target.name]
    assert target.read_bytes() == source.read_bytes()
    assert room_of(target) <= CHUNK_BYTES


@pytest.mark.parametrize(
    ("status", "log"), [(0, CLEAN.replace("CLEAN", "DIRTY")), (0, ""), (1, CLEAN)]
)
def test_an_xfs_whose_log_is_not_clean_is_copied_whole(
    source: Path, target: Path, status: int, log: str
) -> None:
    source.write_bytes(b"x" * 5000)
    tool = Tool(0, log=log, log_status=status)
    by_xfs_copy(source, target, tool)
    assert tool.lines == [("xfs_logprint", "-t", str(source))]
    assert target.read_bytes() == source.read_bytes()


def test_no_second_try_where_the_time_is_up(source: Path, target: Path) -> None:
    source.write_bytes(b"x")
    with pytest.raises(NotKept, match="was still at it"):
        by_xfs_copy(source, target, Tool(None))


@pytest.mark.parametrize(
    ("tool", "why"),
    [
        (Tool(1), "`e2image -ra .* ended with 1 and said: no"),
        (Tool(None), "was still at it"),
        (Tool(None, "e2image was not found"), "e2image was not found"),
    ],
)
def test_an_ext4_is_copied_by_e2image_or_not_at_all(
    source: Path, target: Path, tool: Tool, why: str
) -> None:
    first_of("ext4-1k", source, 12 * MIB)
    with pytest.raises(NotKept, match=why):
        made(source, target, tool)
    assert tool.lines == [("e2image", "-ra", str(source), str(target))]


def test_a_whole_device_with_holes(source: Path, target: Path) -> None:
    size = 10 * CHUNK_BYTES + 4096
    with source.open("wb") as stream:
        stream.write(random.Random(1).randbytes(CHUNK_BYTES))
        stream.seek(5 * CHUNK_BYTES - 1)
        stream.write(b"x")
        stream.truncate(size + 8192)  # DRBD's meta-data comes after the data
    with source.open("r+b") as stream:
        stream.seek(size)
        stream.write(b"meta-data")
    assert made(source, target, size_bytes=size).method is Method.WHOLE
    assert target.read_bytes() == source.read_bytes()[:size]
    assert room_of(target) <= 3 * CHUNK_BYTES


def test_zeros_only(source: Path, target: Path) -> None:
    with source.open("wb") as stream:
        stream.write(bytes(CHUNK_BYTES + 1))
    made(source, target)
    assert target.read_bytes() == source.read_bytes()
    assert room_of(target) < CHUNK_BYTES


def test_a_device_that_ends_too_early(source: Path, target: Path) -> None:
    source.write_bytes(b"x" * 5000)
    with pytest.raises(NotKept, match="/dev/vda ends 3192 bytes too early"):
        made(source, target, size_bytes=8192)


def test_a_copy_that_takes_too_long(source: Path, target: Path) -> None:
    source.write_bytes(b"x" * 3 * CHUNK_BYTES)
    left = [2.0, 1.0, 0.0]
    with pytest.raises(NotKept, match="volume 0: the copy took too long"):
        made(source, target, time_left_s=lambda: left.pop(0))
    assert target.stat().st_size == 2 * CHUNK_BYTES


def test_room_that_has_to_stay(source: Path, target: Path) -> None:
    source.write_bytes(b"x" * CHUNK_BYTES)
    found = os.statvfs(target.parent)
    free = found.f_bavail * found.f_frsize
    with pytest.raises(NotKept, match="would fill the file system that it is written to"):
        made(source, target, spare_bytes=free + 10**12)
    target.unlink()
    # A small copy needs no more than its own size.
    made(source, target, spare_bytes=free // 2)


@pytest.mark.parametrize("there", ["file", "link"])
def test_nothing_is_overwritten(source: Path, target: Path, there: str) -> None:
    source.write_bytes(b"x")
    elsewhere = target.parent / "elsewhere"
    elsewhere.write_bytes(b"precious")
    if there == "link":
        target.symlink_to(elsewhere)
    else:
        target.write_bytes(b"precious")
    with pytest.raises(NotKept, match=r"volume-0\.img: File exists"):
        made(source, target)
    assert elsewhere.read_bytes() == b"precious"


def test_a_disk_that_cannot_be_read_or_written(tmp_path: Path, target: Path) -> None:
    with pytest.raises(NotKept, match=r"volume 0: .*/vda: No such file"):
        copy(_whole(), tmp_path / "vda", target,
             run=forbidden, time_left_s=for_ever, spare_bytes=0)  # fmt: skip
    (tmp_path / "vda").write_bytes(b"x")
    with pytest.raises(NotKept, match="No such file or directory"):
        copy(_whole(), tmp_path / "vda", tmp_path / "nowhere/volume-0.img",
             run=forbidden, time_left_s=for_ever, spare_bytes=0)  # fmt: skip


def _whole() -> Step:
    return Step(backing(data_bytes=1), Method.WHOLE, 1)
