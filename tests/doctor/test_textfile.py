"""The metrics file's folder, and Debian's defaults for node_exporter."""

from __future__ import annotations

from pathlib import Path

from connector.doctor import textfile
from connector.doctor.reading import Unseen
from connector.doctor.textfile import folders, words_of_defaults

DEFAULTS = """\
# a comment
ARGS="--web.listen-address=:9100 \\"--collector.textfile.directory=/srv/metrics\\""
ARGS='broken
OTHER="--collector.textfile.directory=/no"
"""


def test_no_metrics_file(tmp_path: Path) -> None:
    assert textfile.read(tmp_path, None) is None


def test_a_folder_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    found = textfile.read(tmp_path, tmp_path / "link/c.prom")
    assert found is not None
    assert (found.folder_exists, found.real_folder) == (True, str(tmp_path / "real"))
    missing = textfile.read(tmp_path, tmp_path / "none/c.prom")
    assert missing is not None
    assert not missing.folder_exists


def test_folders_of_a_command_line() -> None:
    flag = "--collector.textfile.directory"
    assert folders(["x", f"{flag}=/a", flag, "/b", flag]) == ("/a", "/b")
    assert folders(["x", f"{flag}s=/a"]) == ()


def test_debians_defaults(tmp_path: Path) -> None:
    path = tmp_path / textfile.DEBIANS_DEFAULTS
    path.parent.mkdir(parents=True)
    path.write_text('ARGS="--collector.textfile.directory=/srv/metrics"\n')
    found = textfile.read(tmp_path, Path("/x/c.prom"))
    assert found is not None
    assert found.configured == ("/srv/metrics",)
    path.unlink()
    path.mkdir()
    found = textfile.read(tmp_path, Path("/x/c.prom"))
    assert found is not None
    assert isinstance(found.configured, Unseen)


def test_words_of_a_damaged_file() -> None:
    assert words_of_defaults(DEFAULTS) == [
        "--web.listen-address=:9100",
        '"--collector.textfile.directory=/srv/metrics"',
    ]
