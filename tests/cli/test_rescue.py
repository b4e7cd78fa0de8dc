"""`connector rescue`: to list, show, keep, mount, compare, export and drop."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from connector.act.lock import pass_lock
from connector.cli.commands import run
from connector.rescue import shelf
from connector.rescue.kept import Rescue
from connector.settings import RunSettings, Settings
from tests.cli.stage import Stage, wait_for
from tests.cli.test_exit_status import PREFIX
from tests.rescue.making import KEPT_AT_S, a_copy, a_snapshot, names_on, put, rescue

StageOf = Callable[..., Stage]
MAIL, DB = rescue(), rescue(a_copy(1), a_snapshot(2), name="db")

_DRBDSETUP = """\
#!/bin/sh
[ "$1 $2" = "show mail" ] || exit 10
printf '%s\\n' 'resource mail {' '    _this_host {' '        volume 0 {' \\
    '            device\t\t\tminor 0;' '            disk\t\t\t"/dev/vda";' '        }' '    }' '}'
"""
_E2IMAGE = """\
#!/bin/sh
[ "$1" = -ra ] && exec cp --sparse=always -- "$2" "$3"
"""
# It has begun, and goes on until it is killed.
_SLOW_E2IMAGE = """\
#!/bin/sh
printf half >"$3"
exec tail -f "$3" >/dev/null
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command line came to."""

    status: int
    out: str
    err: str

    @property
    def rescues(self) -> list[dict[str, Any]]:
        """What it says in JSON."""
        plain = json.loads(self.out)
        assert plain["version"] == 1
        found: list[dict[str, Any]] = plain["rescues"]
        return found


class Desk:
    """Command lines in this process; programs of one's own come first on PATH."""

    def __init__(
        self, folder: Path, patch: pytest.MonkeyPatch, caught: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self.programs = folder / "bin"
        self.programs.mkdir()
        self.root = folder / "root"
        (self.root / "proc").mkdir(parents=True)
        self._caught = caught
        self.settings = Settings(
            run=RunSettings(state_dir=folder / "state", lock=folder / "run/lock")
        )
        config = folder / "connector.toml"
        config.write_text("[rescue]\nspare_percent = 0\n")
        for name, value in (
            ("PATH", f"{self.programs}:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("CONNECTOR_CONFIG", str(config)),
            ("CONNECTOR_RUN_STATE_DIR", str(self.settings.run.state_dir)),
            ("CONNECTOR_RUN_LOCK", str(self.settings.run.lock)),
            ("CONNECTOR_RUN_WAIT_FOR_LOCK", "0"),
        ):
            patch.setenv(name, value)

    def run(self, *words: str) -> Said:
        """`connector rescue WORDS`."""
        status = run(["--root", str(self.root), "rescue", *words])
        out, err = self._caught.readouterr()
        assert "Traceback" not in out + err
        assert "internal error" not in err, err
        return Said(status, out, err)

    def program(self, name: str, script: str) -> None:
        """Put an executable on PATH."""
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    return Desk(tmp_path, monkeypatch, capsys)


# list


def test_nothing_is_kept(desk: Desk) -> None:
    said = desk.run("list")
    assert (said.status, said.err) == (0, "")
    assert said.out == f"no rescues are kept here ({desk.settings.rescues_dir})\n"
    assert desk.run("list", "--json").rescues == []
    assert not desk.settings.run.state_dir.exists()


def test_what_is_kept(desk: Desk) -> None:
    put(desk.settings, MAIL, DB)
    said = desk.run("list")
    assert (said.status, said.err) == (0, "")
    assert [line.split()[0] for line in said.out.splitlines()] == ["NAME", DB.name, MAIL.name]
    first, second = desk.run("list", "--json").rescues
    assert first.pop("age_s") > 0
    assert Rescue.model_validate(first) == DB
    assert second["name"] == MAIL.name


def test_a_strange_record_is_named_beside_the_others(desk: Desk) -> None:
    put(desk.settings, MAIL)
    path = desk.settings.rescues_dir / DB.name / "rescue.json"
    path.parent.mkdir()
    path.write_text("{")
    for words in (["list"], ["list", "--json"]):
        said = desk.run(*words)
        assert said.status == 1
        assert said.err.startswith(f"connector: {path}: the record: Invalid JSON")
        assert MAIL.name in said.out
    said = desk.run("show", DB.name)
    assert said.status == 2
    assert f"there are: {MAIL.name}; {path}: the record: Invalid JSON" in said.err


def test_a_shelf_that_is_no_folder(desk: Desk) -> None:
    desk.settings.run.state_dir.mkdir()
    desk.settings.rescues_dir.write_text("x")
    said = desk.run("list")
    assert (said.status, said.out) == (1, "")
    assert said.err == f"connector: {desk.settings.rescues_dir}: Not a directory\n"


# show


def test_one_that_is_whole(desk: Desk) -> None:
    put(desk.settings, MAIL)
    said = desk.run("show", MAIL.name)
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith(f"{MAIL.name}: kept; not yet looked at after a resync\n")
    assert f"connector rescue mount {MAIL.name} /mnt/rescue\n" in said.out
    (told,) = desk.run("show", "--json", MAIL.name).rescues
    assert told["lost"] is None


def test_one_that_is_lost(desk: Desk) -> None:
    put(desk.settings, MAIL)
    image = desk.settings.rescues_dir / MAIL.name / "volume-0.img"
    image.unlink()
    why = f"volume 0: {image}: No such file or directory"
    said = desk.run("show", MAIL.name)
    assert (said.status, said.out.splitlines()[0]) == (1, f"{MAIL.name}: LOST: {why}")
    said = desk.run("show", MAIL.name, "--json")
    assert (said.status, said.rescues[0]["lost"]) == (1, why)


@pytest.mark.parametrize(
    "words",
    [
        ("show", "mail"),
        ("show", ".."),
        ("mount", "mail", "here"),
        ("export", "mail", "mail.tar.gz"),
        ("drop", "--yes", "mail"),
        ("drop", "--yes", MAIL.name, "mail"),
    ],
)
def test_a_mistyped_name_is_told_with_the_known_ones(desk: Desk, words: tuple[str, ...]) -> None:
    put(desk.settings, MAIL, DB)
    said = desk.run(*words)
    assert (said.status, said.out) == (2, "")
    assert f"here; there are: {DB.name}, {MAIL.name}\n" in said.err
    assert names_on(desk.settings) == [DB.name, MAIL.name]


def test_a_name_where_nothing_is(desk: Desk) -> None:
    said = desk.run("show", "mail")
    assert (said.status, said.out) == (2, "")
    assert said.err == "connector: no rescue named 'mail' here; there are: none\n"


def test_a_command_that_is_none(desk: Desk) -> None:
    said = desk.run("lst")
    assert (said.status, said.out) == (2, "")
    assert "No such command 'lst'" in said.err


# keep


@pytest.fixture
def split(stage_of: StageOf, monkeypatch: pytest.MonkeyPatch, desk: Desk) -> Stage:
    """Beta is the victim of a split brain: Secondary, StandAlone, with changes of its own."""
    stage = stage_of("split-brain-with-idle-standby")
    with stage.pair.changing() as pair:
        assert pair.run_on("beta")(("drbdadm", "secondary", "mail"), 15).exit_status == 0
    stage.environment["CONNECTOR_RESCUE_SPARE_PERCENT"] = "0"
    stage.program("drbdsetup", _DRBDSETUP)
    stage.program("e2image", _E2IMAGE)
    for name, value in stage.environment.items():
        monkeypatch.setenv(name, value)
    desk.root = stage.root
    desk.settings = Settings(run=RunSettings(state_dir=stage.state, lock=stage.lock))
    return stage


def test_kept_by_hand_and_found_again(desk: Desk, split: Stage) -> None:
    said = desk.run("keep", "mail")
    assert (said.status, said.err) == (0, "")
    (name,) = names_on(desk.settings)
    assert said.out.startswith(f"{name}: kept; not yet looked at after a resync\n")
    assert "because: a person's word: connector rescue keep\n" in said.out
    copied = desk.settings.rescues_dir / name / "volume-0.img"
    assert copied.read_bytes() == (split.root / "dev/vda").read_bytes()
    # Nothing was written since: it is the same one.
    (told,) = desk.run("keep", "mail", "--json").rescues
    assert told["name"] == name
    assert names_on(desk.settings) == [name]


def test_nothing_to_keep_on_the_node_that_has_no_changes(
    desk: Desk, stage_of: StageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_of("healthy")
    monkeypatch.setenv("PATH", stage.environment["PATH"])
    desk.root = stage.root
    said = desk.run("keep", "mail")
    assert (said.status, said.err) == (0, "")
    assert said.out == "mail has no changes here that its peer has not: nothing to keep\n"
    assert desk.run("keep", "mail", "--json").rescues == []


def test_what_cannot_be_kept(desk: Desk, split: Stage) -> None:
    said = desk.run("keep", "mial")
    assert (said.status, said.out) == (2, "")
    assert "no resource named 'mial' here; there are: mail, db" in said.err
    said = desk.run("keep", "db")  # Primary; and this drbdsetup does not know it
    assert (said.status, said.out) == (1, "")
    assert "`drbdsetup show db` ended with 10" in said.err
    split.program("e2image", "#!/bin/sh\necho e2image: no >&2\nexit 1\n")
    said = desk.run("keep", "mail")
    assert (said.status, said.out) == (1, "")
    assert "ended with 1 and said: e2image: no" in said.err
    assert names_on(desk.settings) == []


def test_what_was_taken_over_meanwhile_is_no_copy(desk: Desk, split: Stage) -> None:
    split.program("e2image", _E2IMAGE.replace("exec cp", "drbdadm primary mail && exec cp"))
    said = desk.run("keep", "mail")
    assert (said.status, said.out) == (1, "")
    assert "mail was written to or changed while it was copied; try again" in said.err
    assert names_on(desk.settings) == []


def test_a_pass_at_work_is_not_disturbed(desk: Desk, split: Stage) -> None:
    put(desk.settings, MAIL)
    with pass_lock(split.lock):
        for words in (("keep", "mail"), ("drop", "--yes", MAIL.name), ("drop", "--expired")):
            said = desk.run(*words)
            assert (said.status, said.out) == (75, "")
            assert f"another pass holds {split.lock}: nothing was done" in said.err
        # To look needs no lock.
        assert desk.run("list").status == 0
    assert names_on(desk.settings) == [MAIL.name]


def test_what_is_gone_when_the_wait_is_over(
    desk: Desk, split: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(desk.settings, MAIL, DB)
    monkeypatch.setenv("CONNECTOR_RUN_WAIT_FOR_LOCK", "60")
    with ExitStack() as another_pass:
        another_pass.enter_context(pass_lock(split.lock))

        def end() -> None:
            shelf.remove(desk.settings.rescues_dir, MAIL.name)
            another_pass.close()

        timer = Timer(0.5, end)
        timer.start()
        said = desk.run("drop", "--yes", DB.name, MAIL.name)
        timer.join()
    assert (said.status, said.out) == (2, "")
    assert "waiting up to 60 s" in said.err
    assert f"no rescue named {MAIL.name!r} here" in said.err
    assert names_on(desk.settings) == [DB.name]


def test_no_drbd_here(desk: Desk) -> None:
    said = desk.run("keep", "mail")
    assert (said.status, said.out) == (69, "")


def test_killed_while_it_copies_it_leaves_nothing_that_is_listed(desk: Desk, split: Stage) -> None:
    split.program("e2image", _SLOW_E2IMAGE)
    folder = desk.settings.rescues_dir
    with split.start("rescue", "keep", "mail") as running:
        wait_for(lambda: list(folder.glob(".unfinished-*/volume-0.img")))
        running.send(signal.SIGKILL)
        assert running.end().status == -signal.SIGKILL
    # The parent-death signal takes e2image along.
    wait_for(lambda: not split.processes())
    (left,) = names_on(desk.settings)
    assert left.startswith(".unfinished-")
    said = desk.run("list")
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith("no rescues are kept here")
    split.program("e2image", _E2IMAGE)
    (told,) = desk.run("keep", "mail", "--json").rescues
    assert names_on(desk.settings) == [told["name"]]
    assert desk.run("show", told["name"]).status == 0


def test_and_a_pass_clears_up_after_it(desk: Desk, split: Stage) -> None:
    """Also one that has nothing to keep: here everything is paused."""
    left = desk.settings.rescues_dir / f".unfinished-{MAIL.name}"
    left.mkdir(parents=True)
    (left / "volume-0.img").write_text("half")
    desk.settings.rescues_due_file.write_text("0\n")
    assert split.run("pause").status == 0
    split.run("reconcile")
    assert names_on(desk.settings) == []
    assert not desk.settings.rescues_due_file.exists()


# mount and compare


def test_mounted_read_only(desk: Desk) -> None:
    put(desk.settings, MAIL, DB)
    desk.program("mount", f'echo "$@" >>{desk.folder}/mounts')
    said = desk.run("mount", MAIL.name, str(desk.folder / "here"))
    assert (said.status, said.err) == (0, "")
    assert said.out == (
        f"mounted read-only at {desk.folder}/here; when you are done: umount {desk.folder}/here\n"
    )
    said = desk.run("mount", DB.name, str(desk.folder / "there"))
    assert (said.status, said.out) == (2, "")
    assert f"{DB.name} has the volumes 1, 2: say which, --volume N" in said.err
    said = desk.run("mount", DB.name, str(desk.folder / "there"), "--volume", "2")
    assert said.status == 0
    options = "ro,noload,nodev,nosuid,noexec"
    image = desk.settings.rescues_dir / MAIL.name / "volume-0.img"
    assert (desk.folder / "mounts").read_text().splitlines() == [
        f"-t ext4 -o {options},loop {image} {desk.folder}/here",
        f"-t ext4 -o {options} /dev/pair/connector-20251124T160000Z-2 {desk.folder}/there",
    ]


def test_what_mount_says(desk: Desk) -> None:
    put(desk.settings, MAIL)
    desk.program("mount", "echo mount: must be superuser >&2; exit 1")
    said = desk.run("mount", MAIL.name, str(desk.folder / "here"))
    assert (said.status, said.out) == (1, "")
    assert "said: mount: must be superuser" in said.err
    (desk.folder / "here/file").write_text("x")
    said = desk.run("mount", MAIL.name, str(desk.folder / "here"))
    assert (said.status, said.out) == (2, "")
    assert "is not empty: name an empty or a new folder" in said.err


def trees(folder: Path) -> tuple[str, str]:
    """Two trees that differ in two places."""
    for name, text in (("rescued", "one"), ("healed", "other")):
        (folder / name).mkdir()
        (folder / name / "differs").write_text(text)
    (folder / "rescued/\x1b[2Jonly\n").write_text("x")
    return str(folder / "rescued"), str(folder / "healed")


def test_two_trees(desk: Desk) -> None:
    both = trees(desk.folder)
    said = desk.run("compare", *both)
    assert (said.status, said.err) == (0, "")
    assert said.out.splitlines() == [
        r"only in the rescue \x1b[2Jonly\n  (1 bytes)",
        "differs            differs  (3 bytes): 3 bytes, 5 healed",
        "2 differences",
    ]
    told = [json.loads(line) for line in desk.run("compare", *both, "--json").out.splitlines()]
    assert [item["kind"] for item in told] == ["only in the rescue", "differs"]
    same = (both[0], both[0])
    assert desk.run("compare", *same, "--thorough").out == "no differences\n"
    assert desk.run("compare", *same, "--json").out == ""


def test_trees_that_are_none(desk: Desk) -> None:
    said = desk.run("compare", str(desk.folder), str(desk.folder / "nowhere"))
    assert (said.status, said.out) == (2, "")
    assert "'HEALED': Directory" in said.err


def test_mounted_and_compared_at_once(desk: Desk) -> None:
    put(desk.settings, MAIL)
    _, healed = trees(desk.folder)
    desk.program("mount", f'for last; do :; done; cp -R {desk.folder}/rescued/. "$last"')
    said = desk.run("mount", MAIL.name, str(desk.folder / "here"), "--compare", healed, "--json")
    assert said.status == 0
    # What a program reads is JSON, line by line.
    assert [json.loads(line)["kind"] for line in said.out.splitlines()] == [
        "only in the rescue", "differs",
    ]  # fmt: skip
    assert said.err.startswith(f"mounted read-only at {desk.folder}/here")


# export


def test_out_into_one_archive(desk: Desk) -> None:
    put(desk.settings, MAIL)
    target = desk.folder / "mail.tar.gz"
    said = desk.run("export", MAIL.name, str(target))
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith(f"{target}: tar -S -x -z -f mail.tar.gz unpacks it")
    whole = target.read_bytes()
    said = desk.run("export", MAIL.name, str(target))
    assert (said.status, said.out) == (2, "")
    assert f"{target} is there already; nothing was written" in said.err
    assert target.read_bytes() == whole


def test_an_export_that_fails(desk: Desk) -> None:
    put(desk.settings, MAIL)
    desk.program("tar", "echo tar: no >&2; exit 2")
    said = desk.run("export", MAIL.name, str(desk.folder / "mail.tar.gz"))
    assert (said.status, said.out) == (1, "")
    assert "ended with 2 and said: tar: no" in said.err
    assert not [name for name in os.listdir(desk.folder) if "tar.gz" in name]


# drop


def test_nobody_is_asked_where_nobody_is(desk: Desk) -> None:
    put(desk.settings, MAIL)
    said = desk.run("drop", MAIL.name)
    assert (said.status, said.out) == (2, "")
    assert "--yes says it for a script; nothing was dropped" in said.err
    said = desk.run("drop")
    assert (said.status, said.out) == (2, "")
    assert "which one? `connector rescue list` shows what is kept" in said.err
    assert names_on(desk.settings) == [MAIL.name]


def test_dropped_each_once(desk: Desk) -> None:
    other = rescue(name="web")
    put(desk.settings, MAIL, other)
    said = desk.run("drop", "--yes", MAIL.name, MAIL.name)
    assert (said.status, said.out, said.err) == (0, f"dropped {MAIL.name}\n", "")
    assert names_on(desk.settings) == [other.name]


def test_the_old_ones(desk: Desk) -> None:
    newer = rescue(kept_at_s=KEPT_AT_S + 60)
    put(desk.settings, MAIL, newer, DB)
    desk.program("lvs", "exit 0")
    desk.program("lvremove", "echo '  contains a filesystem in use.' >&2; exit 5")
    newest_db = rescue(name="db", kept_at_s=KEPT_AT_S + 60)
    put(desk.settings, newest_db)
    said = desk.run("drop", "--expired")
    assert (said.status, said.out) == (1, f"dropped {MAIL.name}\n")
    assert f"rescue {DB.name} is older than max_age_days and stays: " in said.err
    assert names_on(desk.settings) == sorted([DB.name, newer.name, newest_db.name])
    desk.program("lvremove", "exit 0")
    said = desk.run("drop", "--expired")
    assert (said.status, said.out, said.err) == (0, f"dropped {DB.name}\n", "")
    assert desk.run("drop", "--expired").out == "nothing was dropped\n"


def test_one_whose_snapshot_is_in_use_stays(desk: Desk) -> None:
    put(desk.settings, DB)
    desk.program("lvs", "exit 0")
    desk.program("lvremove", "echo '  contains a filesystem in use.' >&2; exit 5")
    said = desk.run("drop", "--yes", DB.name)
    assert (said.status, said.out) == (1, "")
    assert "contains a filesystem in use" in said.err
    assert names_on(desk.settings) == [DB.name]


def test_a_person_types_the_name(stage: Stage) -> None:
    settings = Settings(run=RunSettings(state_dir=stage.state))
    put(settings, MAIL)
    done = stage.run_on_terminal("rescue", "drop", MAIL.name, typed=b"yes\n")
    assert done.status == 2
    assert f"Type the rescue's name ({MAIL.name}) to drop it" in done.out
    assert f"'yes' is not '{MAIL.name}'; nothing was dropped" in done.out
    assert names_on(settings) == [MAIL.name]
    done = stage.run_on_terminal("rescue", "drop", MAIL.name, typed=f"{MAIL.name}\n".encode())
    assert (done.status, names_on(settings)) == (0, [])


# without root


def test_without_root(stage: Stage) -> None:
    settings = Settings(run=RunSettings(state_dir=stage.state))
    put(settings, MAIL)
    stage.lock.parent.mkdir()
    for folder, words in (
        (settings.rescues_dir, ("list",)),
        (stage.lock.parent, ("drop", "--yes", MAIL.name)),
        (stage.lock.parent, ("keep", "mail")),
    ):
        folder.chmod(0)
        try:
            done = stage.run_under(PREFIX, "rescue", *words)
        finally:
            folder.chmod(0o700)
        assert (done.status, done.out) == (77, "")
        assert "run connector as root" in done.err
    assert shelf.read(settings.rescues_dir).rescues == (MAIL,)
