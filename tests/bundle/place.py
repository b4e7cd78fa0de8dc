"""A node in a folder, of which a bundle is made."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from connector.bundle.archive import packed
from connector.bundle.collect import collect
from connector.bundle.parts import Collected
from connector.bundle.sources import ConnectorToml
from connector.program import Completed
from connector.settings import RunSettings, Settings
from connector.world import World

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
SPLIT = FIXTURES / "lab/split_brain_beta_secondary/beta"
AT_WALL_S = 1_795_852_800.0
FAILED = "drbd.d/mail.res:4: Parse error: 'option' expected,\n\tbut got '{word}' (TK 281)\n"


class StillClock:
    """Every clock stands still."""

    def wall_s(self) -> float:
        """A moment of 2026."""
        return AT_WALL_S

    def boot_s(self) -> float:
        """An hour."""
        return 3600.0

    def log_s(self) -> float:
        """The same."""
        return 3600.0

    def sleep(self, seconds: float) -> None:
        """Takes no time."""


@dataclass
class Place:
    """Beta after a split brain, with a configuration of two files, one included by the other."""

    folder: Path
    dump_xml: str = (SPLIT / "dump_xml").read_text(encoding="utf-8")
    parse_error: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Put the files there."""
        self.write("root/proc/drbd", (SPLIT / "proc_drbd").read_text(encoding="utf-8"))
        self.write("root/dev/kmsg", (SPLIT / "kmsg").read_text(encoding="utf-8"))
        self.write("root/proc/self/mountinfo", (SPLIT / "mountinfo").read_text(encoding="utf-8"))
        self.write("etc/drbd.conf", 'include "drbd.d/*.res";\n')
        self.write("etc/drbd.d/mail.res", "resource mail {\n    net { protocol C; }\n}\n")

    def write(self, name: str, text: str) -> None:
        """A file below the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="surrogateescape")

    def write_json(self, name: str, *documents: object) -> None:
        """JSON documents, one in a line."""
        self.write(name, "".join(json.dumps(document) + "\n" for document in documents))

    @property
    def settings(self) -> Settings:
        """The defaults, but for the folders."""
        return Settings(run=RunSettings(state_dir=self.folder / "state"))

    def world(self) -> World:
        """The node, with a drbdadm that prints what it is told to."""
        return World(
            root=self.folder / "root",
            run=self._run,
            clock=StillClock(),
            host="beta",
            configuration=self.folder / "etc",
        )

    def _run(self, argv: Sequence[str], timeout_s: float) -> Completed:
        if argv[1] == "--version":
            return Completed(tuple(argv), 0, "DRBDADM_VERSION=9.22.0\n")
        if self.parse_error is not None:
            return Completed(tuple(argv), 10, "", self.parse_error)
        return Completed(tuple(argv), 0, self.dump_xml)

    def collected(self, problem: str | None = None) -> Collected:
        """What goes into the bundle."""
        toml = ConnectorToml(self.folder / "connector.toml", problem)
        return collect(self.world(), self.settings, toml, self.environment)

    def files(self, problem: str | None = None) -> dict[str, str]:
        """The archive's files with their text, by their names without the folder."""
        return texts(packed(self.collected(problem)))

    def clear(self) -> None:
        """Take the folder away."""
        shutil.rmtree(self.folder)


def texts(archive: bytes) -> dict[str, str]:
    """What is in an archive."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        found = {}
        for entry in tar:
            stream = tar.extractfile(entry)
            assert stream is not None
            found[entry.name.partition("/")[2]] = stream.read().decode()
        return found
