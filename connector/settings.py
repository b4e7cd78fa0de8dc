"""The settings of connector, typed, with their defaults; docs/configuration.md lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from connector.decide.context import Policy

DEFAULT_CONFIG = Path("/etc/connector/connector.toml")


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How a pass runs; times in seconds."""

    deadline_s: float = 50
    command_timeout_s: float = 15
    settle_s: float = 10
    # Of a person's command, for a pass that is at work: it ends within its deadline and a little.
    wait_for_lock_s: float = 60
    lock: Path = Path("/run/connector/connector.lock")
    state_dir: Path = Path("/var/lib/connector")
    drbdadm: str = "drbdadm"
    # Not in the file: cron's pass does both, `connector watch` neither. Whether a pass that only
    # waits for the peer stays to see it come, and whether it looks before it takes the lock.
    stays_while_waiting: bool = True
    looks_before_locking: bool = True
    # Of neither: the pass within a `connector release`, which a cluster manager asked for.
    counts_as_attempt: bool = True


@dataclass(frozen=True, slots=True)
class RescueSettings:
    """How what is given up is kept; `directory` None is `rescues` in the state directory."""

    keep: bool = True
    # Where it cannot be kept: refuse to give anything up, or give it up all the same.
    refuse_without: bool = True
    directory: Path | None = None
    max_size_mib: int = 65_536
    spare_percent: float = 10
    max_age_days: float = 30
    # Of a person's command; a pass takes what its own deadline leaves.
    copy_timeout_s: float = 4 * 3600


@dataclass(frozen=True, slots=True)
class RecoverSettings:
    """Where `connector recover` asks for the other node's view, unless it is told otherwise.

    `peer` is `ssh:HOST` or the URL of an exporter; the files are for the latter.
    """

    peer: str | None = None
    peer_ca: Path | None = None
    peer_password_file: Path | None = None


@dataclass(frozen=True, slots=True)
class TakeoverSettings:
    """How `connector takeover` and `release` go about it; times in seconds."""

    # For the whole call, the wait for a running pass left out.
    deadline_s: float = 300
    command_timeout_s: float = 30
    # A pass may hold the lock for as long as its own deadline.
    wait_for_lock_s: float = 60
    # For a peer that is still Primary to release, or to be noticed as dead (DRBD's ping-int is 10).
    wait_for_peer_s: float = 15
    # Of what still holds a mount: only name it, or end it.
    kills_holders: bool = False
    kill_signal: str = "TERM"
    # So long after that signal comes SIGKILL.
    kill_after_s: float = 5


@dataclass(frozen=True, slots=True)
class MountSettings:
    """One file system of a resource, in the order in which they are mounted.

    `fsck` is `auto` (what repairs by itself without asking), `force` or `never`.
    """

    volume: int
    where: str
    fstype: str
    options: str = ""
    fsck: str = "auto"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that connector.toml and the CONNECTOR_* variables can say."""

    policy: Policy = Policy()
    by_resource: Mapping[str, Policy] = field(default_factory=dict)
    run: RunSettings = RunSettings()
    rescue: RescueSettings = RescueSettings()
    recover: RecoverSettings = RecoverSettings()
    takeover: TakeoverSettings = TakeoverSettings()
    mounts: Mapping[str, tuple[MountSettings, ...]] = field(default_factory=dict)
    textfile: Path | None = None

    def policy_for(self, resource: str) -> Policy:
        """The resource's own policy where it has one, otherwise the common one."""
        return self.by_resource.get(resource, self.policy)

    # The files in the state directory, named in one place.
    @property
    def incidents_file(self) -> Path:
        """Open incidents; absent while everything is healthy."""
        return _file(self.run.state_dir, "incidents.json")

    @property
    def pauses_file(self) -> Path:
        """Pauses; absent while there is none."""
        return _file(self.run.state_dir, "pauses.json")

    @property
    def counters_file(self) -> Path:
        """Counters that survive between runs."""
        return _file(self.run.state_dir, "counters.json")

    @property
    def contended_file(self) -> Path:
        """One byte for each pass that found the lock held."""
        return _file(self.run.state_dir, "lock-contended")

    @property
    def last_pass_file(self) -> Path:
        """When the last pass ended, how long it took, and whether it succeeded."""
        return _file(self.run.state_dir, "last-pass.json")

    @property
    def resources_file(self) -> Path:
        """The resource names of the configuration, as drbdadm gave them."""
        return _file(self.run.state_dir, "resources.json")

    @property
    def journal_file(self) -> Path:
        """One JSON line for each pass that did something or wanted to."""
        return _file(self.run.state_dir, "journal.jsonl")

    @property
    def handlers_file(self) -> Path:
        """One JSON line for each call of `connector handler`."""
        return _file(self.run.state_dir, "handlers.jsonl")

    @property
    def takeover_file(self) -> Path:
        """What `takeover` has done and `release` has to undo; absent where there is nothing."""
        return _file(self.run.state_dir, "takeover.json")

    @property
    def given_up_dir(self) -> Path:
        """Records of what was about to be given up, one file each."""
        return _file(self.run.state_dir, "given-up")

    @property
    def rescues_dir(self) -> Path:
        """Rescues: a folder for each, with its record and its copies."""
        return self.rescue.directory or self.run.state_dir / "rescues"

    @property
    def rescues_due_file(self) -> Path:
        """When a pass has to look at the rescues next; absent while there are none."""
        return self.run.state_dir / "rescues-due"


@lru_cache(maxsize=64)
def _file(folder: Path, name: str) -> Path:
    """The same Path each time: a pass asks often, and a Path remembers what it is as text."""
    return folder / name
