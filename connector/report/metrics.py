"""The metrics of one look at this node, for node_exporter's textfile and for the HTTP endpoint.

prometheus_client is imported only where it is used, in exposition.py: a pass without a textfile
does without it.
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from connector.decide.context import Policy
from connector.memory.counters import Key, contentions
from connector.memory.files import write_atomic
from connector.memory.last_pass import LastPass
from connector.model import Source
from connector.report.passes import ResourceReport
from connector.report.series import MetricsMemory
from connector.settings import Settings

if TYPE_CHECKING:
    from connector.report.exposition import Snapshot

PREFIX = "connector_"
TEXTFILE_MODE = 0o644  # node_exporter is another user
_HASH_DIGITS = 12


def metrics_memory(
    settings: Settings,
    counters: Counter[Key],
    last_pass: LastPass | None,
    source: Source = Source.PROC,
) -> MetricsMemory:
    """What the metrics need besides the resources, from what the caller has read already."""
    return MetricsMemory(
        counters=counters,
        lock_contended=contentions(settings.contended_file),
        last_pass=last_pass,
        config_hash=config_hash(settings),
        source=source,
    )


def snapshot(resources: Sequence[ResourceReport], memory: MetricsMemory) -> Snapshot:
    """All series of one look, fixed at this moment."""
    from connector.report.exposition import Snapshot

    return Snapshot(resources, memory)


def text(seen: Snapshot) -> bytes:
    """The classic text format, the only one that node_exporter's textfile collector reads."""
    from connector.report.exposition import classic

    return classic(seen)


def write_textfile(path: Path, data: bytes) -> None:
    """Put `data` at `path` by a rename, readable for node_exporter.

    A folder that is missing is not made: nobody would read it.

    Raises:
        OSError: it could not be written; then the old file is untouched.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "No such directory", str(path.parent))
    write_atomic(path, data, TEXTFILE_MODE)


def config_hash(settings: Settings) -> str:
    """A short hash of the settings that must be the same on both nodes: the policies in force.

    Paths and times of a run may differ. A [resource.NAME] that changes nothing does not count.
    """
    common = _policy(settings.policy)
    own = {name: _policy(policy) for name, policy in settings.by_resource.items()}
    in_force = {
        "policy": common,
        "resource": {name: policy for name, policy in own.items() if policy != common},
    }
    data = json.dumps(in_force, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(data).hexdigest()[:_HASH_DIGITS]


def _policy(policy: Policy) -> dict[str, str | float]:
    """90 and 90.0 are the same setting."""
    return {
        key: value if isinstance(value, str) else float(value)
        for key, value in asdict(policy).items()
    }
