"""connector.toml: what is mounted, and the mistakes that can be made there."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.config import load
from connector.errors import ConfigurationError
from connector.settings import MountSettings, Settings, TakeoverSettings

FIRST = '[[resource.mail.mount]]\nwhere = "/srv/mail"\ntype = "ext4"\n'


def loaded(folder: Path, text: str) -> Settings:
    """The settings of that text."""
    file = folder / "connector.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, {})


def test_the_mounts_stand_in_their_order(tmp_path: Path) -> None:
    text = (
        '[resource.mail]\nmode = "observe"\n'
        '[[resource.mail.mount]]\nvolume = 1\nwhere = "/srv/mail"\ntype = "xfs"\n'
        'options = "noatime,nodev"\nfsck = "never"\n'
        '[[resource.mail.mount]]\nwhere = "/srv/mail/log"\ntype = "ext4"\n'
        '[resource.db]\nmode = "discard"\n'
    )
    settings = loaded(tmp_path, text)
    assert settings.mounts == {
        "mail": (
            MountSettings(1, "/srv/mail", "xfs", "noatime,nodev", "never"),
            MountSettings(0, "/srv/mail/log", "ext4", "", "auto"),
        )
    }
    assert settings.policy_for("mail").mode == "observe"


def test_every_key_of_the_section_is_taken(tmp_path: Path) -> None:
    text = (
        "[takeover]\ndeadline = 11\ncommand_timeout = 2\nwait_for_lock = 3\nwait_for_peer = 4\n"
        'holders = "kill"\nkill_signal = "HUP"\nkill_after = 6\n'
    )
    assert loaded(tmp_path, text).takeover == TakeoverSettings(11, 2, 3, 4, True, "HUP", 6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[resource.mail.mount]]\ntype = "ext4"\n', ":1: resource.mail.mount.0.where: is missing"),
        (
            FIRST + "[[resource.mail.mount]]\nvolume = 1\n",
            ":4: resource.mail.mount.1.where: is miss",
        ),
        (
            FIRST + 'opts = "ro"\n',
            ":4: resource.mail.mount.0.opts: unknown key; known here: volume,",
        ),
        (FIRST + "volume = -1\n", ":4: resource.mail.mount.0.volume: Input should be greater"),
        (FIRST + 'volume = "0"\n', ":4: resource.mail.mount.0.volume: Input should be a valid int"),
        (FIRST + 'fsck = "yes"\n', ":4: resource.mail.mount.0.fsck: Input should be 'auto', 'fo"),
        (FIRST + 'options = "a b"\n', ":4: resource.mail.mount.0.options: must be what mount take"),
        (FIRST + 'options = "-o"\n', ":4: resource.mail.mount.0.options: must be what mount takes"),
        (FIRST + FIRST, ":5: resource.mail.mount.1.where: /srv/mail stands there twice"),
        (
            FIRST + FIRST.replace("mail.mount", "db.mount"),
            ":5: resource.db.mount.0.where: /srv/mail stands there twice",
        ),
        (
            FIRST.replace("ext4", "xfs") + 'fsck = "force"\n',
            ":4: resource.mail.mount.0.fsck: a check can be forced on ext2, ext3, ext4 only",
        ),
        (FIRST.replace("ext4", "EXT 4"), ":3: resource.mail.mount.0.type: must be a file system's"),
        ("[takeover]\nkill_signal = 15\n", ":2: takeover.kill_signal: Input should be 'TERM'"),
        ("[takeover]\ndeadline = 1\n", ":2: takeover.deadline: Input should be greater"),
        ("[takeover]\nmount = 1\n", ":2: takeover.mount: unknown key; known here: deadline, comm"),
        ("[policy]\nmount = []\n", ":2: policy.mount: unknown key; known here: mode, "),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        loaded(tmp_path, text)
    assert f"connector.toml{message}" in str(raised.value)


@pytest.mark.parametrize(
    "where",
    ["srv", "/", "//srv", "/srv/", "/srv//mail", "/srv/./mail", "/srv/../mail", "/srv/a\\tb", ""],
)
def test_a_mount_point_is_written_as_the_kernel_writes_it(tmp_path: Path, where: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"connector\.toml:2: .*where: must be an absolute"
    ):
        loaded(tmp_path, FIRST.replace("/srv/mail", where))
