"""Names of resources: from `drbdadm dump-xml`, kept until the configuration files change.

A healthy pass starts no process: it compares the configuration files with what they were when
drbdadm was last asked.
"""

from __future__ import annotations

import os
import stat as mode_bits
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from connector.memory.files import MAX_BYTES, write_atomic
from connector.model import AfterSplitBrain, ConfiguredResource, ConfiguredVolume
from connector.observe.configuration_files import fingerprint
from connector.observe.dump_xml import ResourcesUnknown, checked, parse_dump_xml
from connector.observe.reading import read_open

if TYPE_CHECKING:
    from connector.program import Completed, Run

__all__ = ["ResourcesUnknown", "known_resources", "parse_dump_xml"]

_FORMAT = 2
_QUOTED_LINES = 3
_QUOTED_CHARACTERS = 400
_ETC = Path("/etc")

_Json = dict[str, Any]


def known_resources(
    run: Run,
    drbdadm: str,
    host: str,
    cache_file: Path,
    configuration: Path = _ETC,
    timeout_s: float = 15.0,
) -> tuple[ConfiguredResource, ...]:
    """The resources of `host`, from the cache where no configuration file has changed.

    A damaged cache, one of another host or another user, or one that cannot be written costs a
    process, nothing else.

    Args:
        run: starts drbdadm.
        drbdadm: its name or path.
        host: this node's name as in `on NAME` of drbd.conf(5).
        cache_file: where the answer is kept (JSON).
        configuration: the folder of drbd.conf.
        timeout_s: for drbdadm.

    Raises:
        ResourcesUnknown: drbdadm had to be asked and gave no answer. The cache is not used then:
            the configuration has changed, and what it says now is not known.
    """
    # Taken before drbdadm reads the files: a change in between is found by the next pass.
    files = fingerprint(configuration)
    key: _Json = {"format": _FORMAT, "host": host, "drbdadm": drbdadm, "files": files}
    if files is not None:
        kept = _cached(cache_file, key)
        if kept is not None:
            return kept
    found = _asked(run, drbdadm, host, timeout_s)
    if files is not None:
        _keep(cache_file, key, found)
    return found


def _asked(run: Run, drbdadm: str, host: str, timeout_s: float) -> tuple[ConfiguredResource, ...]:
    completed = run((drbdadm, "dump-xml"), timeout_s)
    if completed.exit_status != 0:
        raise ResourcesUnknown(f"{drbdadm} dump-xml {_failure(completed, timeout_s)}")
    return parse_dump_xml(completed.stdout, host)


def _failure(completed: Completed, timeout_s: float) -> str:
    if completed.error is not None:
        return f"could not be started: {completed.error}"
    if completed.timed_out:
        return f"did not end within {timeout_s:g} s"
    said = [line.strip() for line in (completed.stderr or completed.stdout).splitlines()]
    # drbdadm asks modinfo for the module's version, which complains where it is built in.
    said = [line for line in said if line and not line.startswith("modinfo:")]
    quoted = " / ".join(said[:_QUOTED_LINES])[:_QUOTED_CHARACTERS]
    return f"failed with exit status {completed.exit_status}: {quoted or 'it said nothing'}"


def _cached(path: Path, key: _Json) -> tuple[ConfiguredResource, ...] | None:
    """What is kept for exactly this key; None for anything else, whatever is wrong with it."""
    try:
        kept_key, kept = _kept(_own_file(path))
    except (OSError, ValueError, KeyError, TypeError, RecursionError, ResourcesUnknown):
        return None
    return kept if kept_key == key else None


@lru_cache(maxsize=4)
def _kept(data: bytes) -> tuple[_Json, tuple[ConfiguredResource, ...]]:
    """What `_keep` wrote: for which key, and the resources. A pass looks several times.

    Raises:
        ValueError, KeyError, TypeError, RecursionError, ResourcesUnknown: it did not write this.
    """
    import json

    kept = json.loads(data)
    key, entries = kept["key"], kept["resources"]
    if type(entries) is not list or kept["crc32"] != _checksum(entries):
        raise ValueError("not what was written")
    return key, checked(_restored(entry) for entry in entries)


def _own_file(path: Path) -> bytes:
    """The bytes of a regular file that only this user may write.

    Raises:
        OSError: it cannot be read.
        ValueError: it is somebody else's, or too large.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(path, flags)
    try:
        found = os.fstat(descriptor)
        writable_by_others = found.st_mode & (mode_bits.S_IWGRP | mode_bits.S_IWOTH)
        if found.st_uid != os.geteuid() or writable_by_others:
            raise ValueError(f"{path} may be written by others")
        data = read_open(descriptor, MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(data) > MAX_BYTES:
        raise ValueError(f"{path} is larger than {MAX_BYTES} bytes")
    return data


def _keep(path: Path, key: _Json, resources: tuple[ConfiguredResource, ...]) -> None:
    """Write the cache; where that is not possible drbdadm is asked again next time."""
    import json

    entries = [_entry(resource) for resource in resources]
    kept = {"key": key, "resources": entries, "crc32": _checksum(entries)}
    with suppress(OSError):
        write_atomic(path, json.dumps(kept, indent=1).encode("ascii"), mode=0o600)


def _checksum(entries: object) -> int:
    """Tells a flipped digit in a minor, which is well-formed, from what was written."""
    import json

    return crc32(json.dumps(entries, sort_keys=True).encode("ascii"))


def _entry(resource: ConfiguredResource) -> _Json:
    policies = resource.after_sb
    return {
        "name": resource.name,
        "file": resource.file,
        "after_sb": [policies.zero_primaries, policies.one_primary, policies.two_primaries],
        "volumes": [[item.volume, item.minor] for item in resource.volumes],
        "peers": list(resource.peers),
    }


def _restored(entry: _Json) -> ConfiguredResource:
    """The resource that `_entry` wrote.

    Raises:
        ValueError, KeyError, TypeError: it did not write this.
    """
    name, file, policies, volumes = (entry[key] for key in ("name", "file", "after_sb", "volumes"))
    zero, one, two = policies
    peers = tuple(entry["peers"])
    words = [name, zero, one, two, *peers] + ([] if file is None else [file])
    if not all(type(word) is str for word in words):
        raise TypeError("a word that is none")
    numbers = [number for pair in volumes for number in pair]
    if not all(type(number) is int for number in numbers):
        raise TypeError("a number that is none")
    return ConfiguredResource(
        name=name,
        volumes=tuple(ConfiguredVolume(volume, minor) for volume, minor in volumes),
        after_sb=AfterSplitBrain(zero, one, two),
        file=file,
        peers=peers,
    )
