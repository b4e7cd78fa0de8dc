"""A node of a pair for contrib/heartbeat/connector-services, in folders of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

HEARTBEAT = Path(__file__).resolve().parents[2] / "contrib/heartbeat"
SCRIPT = HEARTBEAT / "connector-services"
TIMEOUT_S = 120
JOBS = "*/5 * * * * root true\n"
ONE_TWO_THREE = ["start one", "start two", "start three"]
THREE_TWO_ONE = ["stop three", "stop two", "stop one"]

# `service NAME ACTION`: a file says whether NAME runs, another one what ACTION ends with.
SERVICE = """\
#!/bin/sh
echo "$2 $1" >>"{folder}/calls"
[ "$2" != status ] || echo "$1 is running or not"
! read -r word || echo "$word" >>"{folder}/read"
[ ! -e "{folder}/answers/$1.$2" ] || exit "$(cat "{folder}/answers/$1.$2")"
case $2 in
    start) : >"{folder}/running/$1" ;;
    stop) rm -f "{folder}/running/$1" ;;
    status) [ -e "{folder}/running/$1" ] || exit 3 ;;
esac
"""
# What the old scripts called, and lost root's crontab with.
CRONTAB = '#!/bin/sh\nrm -f "{folder}/crontabs"/*\n'


class Node:
    """A node with a mounted disk, a cron.d and a crontab that are not ours, and three services."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.etc = folder / "srv/mail/etc"
        self.cron_d = folder / "cron.d"
        self.run_folder = folder / "run"
        self.link = self.cron_d / "connector-cluster"
        for path in (self.etc, self.cron_d, folder / "crontabs"):
            path.mkdir(parents=True)
        for name in ("bin", "running", "answers"):
            (folder / name).mkdir()
        (self.cron_d / "connector").write_text("* * * * * root connector reconcile\n")
        (self.cron_d / ".placeholder").write_bytes(b"\0\xff")
        (self.cron_d / "elsewhere").symlink_to("/nowhere")
        (folder / "crontabs/root").write_text("1 2 3 4 5 what else root has\n")
        self.program("service", SERVICE)
        self.program("crontab", CRONTAB)
        self.list_is("one", "two", "three")
        self.jobs_are(JOBS)
        self.before = self.of_others()

    def program(self, name: str, text: str, folder: str = "bin") -> None:
        """Put a program on the script's PATH."""
        path = self.folder / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("{folder}", str(self.folder)), encoding="utf-8")
        path.chmod(0o755)

    def list_is(self, *lines: str) -> None:
        """Write the list of the services."""
        (self.etc / "services").write_text("".join(f"{line}\n" for line in lines))

    def jobs_are(self, text: str, mode: int = 0o644) -> None:
        """Write the cron jobs."""
        path = self.etc / "cron.cluster"
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)

    def answers(self, service: str, action: str, status: int | None) -> None:
        """From now on the action ends with that status and does nothing; None: as always."""
        path = self.folder / "answers" / f"{service}.{action}"
        path.unlink(missing_ok=True)
        if status is not None:
            path.write_text(f"{status}\n", encoding="utf-8")

    def run(
        self, *words: str, path: Sequence[str] = ("bin",), dies_before: int = 0, dies_after: int = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run the script to its end, in a process group of its own."""
        folders = [*(str(self.folder / name) for name in path), "/usr/bin", "/bin"]
        (self.folder / "heard").write_text("not for a service\n")
        with (
            (self.folder / "heard").open("rb") as heard,
            (self.folder / "said").open("w+", encoding="utf-8") as said,
        ):
            done = subprocess.run(
                [str(SCRIPT), *words],
                env={
                    "PATH": ":".join(folders),
                    "CRON_D": str(self.cron_d),
                    "RUN": str(self.run_folder),
                    "DIES_BEFORE": str(dies_before),
                    "DIES_AFTER": str(dies_after),
                },
                stdin=heard,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                timeout=TIMEOUT_S,
                start_new_session=True,
                check=False,
            )
            said.seek(0)
            done.stderr = said.read()
        return done

    def does(self, action: str) -> tuple[int, str]:
        """Exit status and standard output."""
        done = self.run(str(self.etc), action)
        return done.returncode, done.stdout

    def fails(self, action: str) -> str:
        """What it says on standard error when it ends with exit status 1."""
        done = self.run(str(self.etc), action)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        return done.stderr

    def calls(self) -> list[str]:
        """What changes was asked of `service` since the last time."""
        path = self.folder / "calls"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [line for line in lines if not line.startswith("status")]

    def running(self) -> set[str]:
        """The services that run."""
        return {path.name for path in (self.folder / "running").iterdir()}

    def of_others(self) -> dict[str, object]:
        """Everything in cron.d and of the crontabs, apart from a link of ours."""
        found: dict[str, object] = {}
        for folder in (self.cron_d, self.folder / "crontabs"):
            for path in folder.iterdir():
                if path == self.link and path.is_symlink() and self.leads_to_the_jobs():
                    continue
                seen = path.lstat()
                content = os.readlink(path) if path.is_symlink() else path.read_bytes()
                found[str(path)] = (seen.st_ino, seen.st_mode, seen.st_mtime_ns, content)
        return found

    def leads_to_the_jobs(self) -> bool:
        return os.path.realpath(self.link) == str(self.etc / "cron.cluster")

    def is_active(self) -> bool:
        """All runs and the jobs are on; nothing of others was touched."""
        assert self.of_others() == self.before
        jobs_on = self.link.is_symlink() and self.link.read_text() == JOBS
        return jobs_on and self.running() == {"one", "two", "three"}

    def is_clean(self) -> bool:
        """Nothing of ours is there, and nothing of others was touched."""
        names = {path.name for path in self.cron_d.iterdir()}
        left = list(self.run_folder.iterdir()) if self.run_folder.exists() else []
        assert self.of_others() == self.before
        return "connector-cluster" not in names and not left and not self.running()

    def loses_the_disk(self) -> None:
        """The disk is not mounted any more."""
        self.etc.rename(self.folder / "unmounted")

    def gets_the_disk(self) -> None:
        """It is mounted again."""
        (self.folder / "unmounted").rename(self.etc)
