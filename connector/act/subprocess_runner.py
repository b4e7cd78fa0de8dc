"""Runs a program in a session of its own and leaves nothing of it behind.

What the program does never raises. When the caller is interrupted by an exception (from a signal
handler, say), the program and all that it started are killed before the exception goes on. When
this process itself is killed, the kernel kills the program: that takes `setpriv` of util-linux
(2.33 or later); without it programs are run all the same, unguarded. The parent-death signal
reaches the program only, not what it started in turn, so a drbdsetup that is at work finishes.

`os.posix_spawn` rather than `subprocess`: the signals of this process can be held back until the
new process is known, while the new process itself starts with none held back.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from connector.act.child import Child
from connector.program import Completed

# What drbdadm reads (`getenv` in drbdadm_main.c and shared_tool.c), and what the programs that it
# starts need. Anything else in the caller's environment stays there.
_KEPT = (
    "DRBD_DONT_WARN_ON_VERSION_MISMATCH",
    "DRBD_DRIVER_VERSION_OVERRIDE",
    "HOME",
    "TMPDIR",
    "__DRBD_NODE__",
)

# cron's PATH is /usr/bin:/bin.
_ALSO_SEARCHED = ("/usr/sbin", "/sbin")

_PACKAGES = {"drbdadm": "drbd-utils", "drbdsetup": "drbd-utils", "drbdmeta": "drbd-utils"}

# Between the start of the new process and its prctl(PR_SET_PDEATHSIG) this process may die unseen.
# The shell reads its parent's number after that prctl: another one means it is too late to start.
_GUARD_NAME = "connector-guard"
_GUARD = '[ "$PPID" = "$1" ] || exit 1; shift; exec "$@"'
_SHELL_NEVER_STARTED_IT = (126, 127)


class SubprocessRunner:
    """A `connector.program.Run` for real programs."""

    def __init__(self) -> None:
        self._setpriv_understood = True

    def __call__(self, argv: Sequence[str], timeout_s: float) -> Completed:
        """Run `argv` for at most `timeout_s`, and say what came of it.

        argv[0] is an absolute path, or a name that is looked for on PATH, /usr/sbin and /sbin.
        Of stdout and of stderr the first MiB is kept. `exit_status` is minus the signal's number
        where something else than the time-out killed the program.
        """
        began_s = time.monotonic()
        search = _search_path()
        program = _find(argv[0], search) if argv else None
        if program is None:
            return Completed(tuple(argv), None, error=_not_found(argv[0] if argv else "", search))
        environment = _environment(search)
        guard = self._guard(search)
        line = (*guard, program, *argv[1:])
        completed = _run(argv, line, environment, began_s, began_s + timeout_s)
        if not guard:
            return completed
        if completed.exit_status and completed.stderr.startswith("setpriv: "):
            # A setpriv before util-linux 2.33, or busybox's: it ended before it ran anything.
            self._setpriv_understood = False
            return _run(argv, (program, *argv[1:]), environment, began_s, began_s + timeout_s)
        return _as_not_started(completed)

    def _guard(self, search: str) -> tuple[str, ...]:
        setpriv = _find("setpriv", search) if self._setpriv_understood else None
        shell = _find("sh", search)
        if setpriv is None or shell is None:
            return ()
        check = (shell, "-c", _GUARD, _GUARD_NAME, str(os.getpid()))
        return (setpriv, "--pdeathsig", "KILL", "--", *check)


def _run(
    argv: Sequence[str],
    line: tuple[str, ...],
    environment: Mapping[str, str],
    began_s: float,
    deadline_s: float,
) -> Completed:
    child = Child()
    error = None
    exit_status = None
    try:
        if time.monotonic() >= deadline_s:
            error = f"{argv[0]} was not started: no time is left"
        else:
            with _signals_held():
                child.start(line, environment)
            exit_status = child.wait(deadline_s)
    except (OSError, ValueError) as problem:
        error = f"{argv[0]} could not be run: {problem}"
    finally:
        child.end()
    return Completed(
        argv=tuple(argv),
        exit_status=exit_status,
        stdout=child.stdout.text,
        stderr=child.stderr.text,
        duration_s=time.monotonic() - began_s,
        error=error,
    )


@contextmanager
def _signals_held() -> Iterator[None]:
    # An exception from a handler must not come between the start and the note of whom to kill.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
            # Whoever started us ignored it; the kernel would throw every exit status away.
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _search_path() -> str:
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    # An empty or relative entry means the current folder: nothing is run from there.
    absolute = [folder for folder in folders if folder.startswith("/")]
    return os.pathsep.join(dict.fromkeys((*absolute, *_ALSO_SEARCHED)))


def _find(name: str, search: str) -> str | None:
    if name.startswith("/"):
        return name if _is_program(name) else None
    if not name or "/" in name:
        return None
    paths = (f"{folder}/{name}" for folder in search.split(os.pathsep))
    return next((path for path in paths if _is_program(path)), None)


def _is_program(path: str) -> bool:
    try:
        return os.path.isfile(path) and os.access(path, os.X_OK)
    except ValueError:  # a NUL in the name
        return False


def _not_found(name: str, search: str) -> str:
    base = os.path.basename(name)
    if name.startswith("/"):
        where = "is no executable file"
    elif name and "/" not in name:
        where = f"was not found in {search}"
    else:
        return f"{name!r} is neither a program's name nor an absolute path: correct it"
    package = _PACKAGES.get(base, f"the package that brings {base}")
    return f"{name} {where}: install {package}, or correct the path"


def _environment(search: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    # Messages are recognised by their English words.
    return {**kept, "PATH": search, "LC_ALL": "C", "LANG": "C"}


def _as_not_started(completed: Completed) -> Completed:
    said = completed.stderr.strip()
    if completed.exit_status not in _SHELL_NEVER_STARTED_IT or not said.startswith(_GUARD_NAME):
        return completed
    reason = said.removeprefix(_GUARD_NAME).lstrip(": ")
    return Completed(
        argv=completed.argv,
        exit_status=None,
        duration_s=completed.duration_s,
        error=f"{completed.argv[0]} could not be run: {reason}",
    )
