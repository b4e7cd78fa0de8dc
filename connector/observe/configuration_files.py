"""Which files drbdadm would read its configuration from, and what tells that one has changed."""

from __future__ import annotations

import errno
import glob
import os
import re
import stat as mode_bits
from collections.abc import Iterator
from pathlib import Path

from connector.observe.reading import read_open

MAX_FILES = 8_192
MAX_DEPTH = 10  # drbdadm_scanner.fl MAX_INCLUDE_DEPTH
MAX_FILE_BYTES = 4 * 1024 * 1024

# In the order in which drbdadm tries them and takes the first that is there (drbdadm_main.c
# `conf_file`; the manual leaves some out). It is chosen by the kernel module's version where to
# start, so all of them count.
MAIN_FILES = (
    "drbd-90.conf",
    "drbd-84.conf",
    "drbd-83.conf",
    "drbd-82.conf",
    "drbd-08.conf",
    "drbd.conf",
)
# A comment, a quoted string (drbdadm_scanner.fl DQSTRING) or a bare word.
_TOKEN = re.compile(r'#[^\n]*|"(?P<quoted>(?:[^"\\\n]|\\[^\n])*)"|(?P<bare>[^\s"#;{}]+)')
_INCLUDING = frozenset({"include", "template-file"})

FileState = list[str | int]


def fingerprint(folder: Path) -> list[FileState] | None:
    """Every file that drbdadm may read, from the main files in `folder` on, with its state.

    A state is the path, and where the file is there its device, inode, size, and the times of its
    last change of content and of inode in ns: a copy that keeps size and time still differs. None
    where it cannot be said for certain: a file cannot be read, a pattern cannot be searched for, or
    there are more than MAX_FILES, deeper than MAX_DEPTH or larger than MAX_FILE_BYTES. Raises
    nothing.
    """
    states: dict[str, FileState] = {}
    searched: set[tuple[int, int, Path]] = set()
    place = os.path.join(folder, "")
    waiting = [(place + name, 0) for name in MAIN_FILES]
    while waiting:
        path, depth = waiting.pop()
        if path in states:
            continue
        if depth > MAX_DEPTH or len(states) >= MAX_FILES:
            return None
        try:
            found, data = _read(path)
        except FileNotFoundError:
            states[path] = [path]
            continue
        except (OSError, ValueError):
            return None
        states[path] = [path, *_state(found)]
        if not (b"include" in data or b"template-file" in data):
            continue
        # A file that includes itself under ever longer names is searched once.
        parent = Path(path).parent
        view = (found.st_dev, found.st_ino, parent.resolve())
        if view not in searched:
            searched.add(view)
            try:
                names = list(_included(os.fsdecode(data), parent))
            except (ValueError, RecursionError):
                # A NUL in a pattern, or a pattern of a thousand folders with a star in each.
                return None
            waiting += [(name, depth + 1) for name in names]
    return [states[path] for path in sorted(states)]


def _state(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _read(path: str) -> tuple[os.stat_result, bytes]:
    """A regular file's state and content.

    Raises:
        OSError: it cannot be read, is no regular file, or is larger than MAX_FILE_BYTES.
        ValueError: the name cannot be one of a file (it holds a NUL).
    """
    # Without O_NONBLOCK opening a named pipe would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        found = os.fstat(descriptor)
        if not mode_bits.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "no regular file", path)
        data = read_open(descriptor, MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise OSError(errno.EFBIG, f"larger than {MAX_FILE_BYTES} bytes", path)
        return found, data
    finally:
        os.close(descriptor)


def _included(text: str, folder: Path) -> Iterator[str]:
    """The files that match a file's include patterns, relative to its folder as in drbdadm.

    Finds too much rather than too little: it does not look where the keyword stands.
    """
    including = False
    for match in _TOKEN.finditer(text):
        if match["quoted"] is None and match["bare"] is None:
            continue
        word = match["bare"] if match["quoted"] is None else match["quoted"]
        if including:
            pattern = re.sub(r"\\(.)", r"\1", word).replace("[^", "[!")
            # Not Path.glob, which takes no absolute pattern.
            yield from sorted(glob.glob(str(Path(glob.escape(str(folder))) / pattern)))
        including = match["bare"] in _INCLUDING
