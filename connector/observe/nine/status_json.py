"""The JSON of `drbdsetup status --json`: each key that is known, and a reader of one object.

The keys are those that drbdsetup.c prints in `resource_status_json`, `device_status_json`,
`connection_status_json`, `path_status_json`, `address_json` and `peer_device_status_json`
(github.com/LINBIT/drbd-utils, user/v9/drbdsetup.c at ab21d02c, e1a53b41, 23a8ac23 and 34ab8d77,
from before 9.22 to after 9.28), and those in the output of drbdsetup 9.22.0 and 9.34.0. The JSON
is the same with and without --verbose and --statistics. `may_promote`, `promotion_score` and
`backing_dev` are in other outputs of drbdsetup, never in this one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TypeVar

from connector.observe.minor_block import MAX_QUOTED_CHARS, Problems

Word = TypeVar("Word")
Value = TypeVar("Value", bound=Hashable)

# One peer of one volume prints 1 kB: this is enough for thousands of each.
MAX_CHARACTERS = 16 * 1024 * 1024
MAX_NAME_CHARACTERS = 128  # T_ctx_resource_name in drbd_genl.h

FLAG = "true or false"
COUNT = "a whole number from 0 up"
NUMBER = "a number"
TEXT = "text"
LIST = "a list"
OBJECT = "an object"
# DRBD_VOLUME_MAX and DRBD_NODE_ID_MAX in drbd_limits.h, MINORBITS in the kernel's kdev_t.h.
VOLUME = "a volume number (0 to 65535)"
MINOR = "a minor number (0 to 1048575)"
NODE_ID = "a node id (0 to 31)"

# Unsigned numbers of 64 bits are COUNT; signed and calculated ones are NUMBER, and may be absurd.
RESOURCE_KEYS = {
    **{"name": TEXT, "node-id": NODE_ID, "role": TEXT, "write-ordering": TEXT},
    **{"suspended": FLAG, "suspended-user": FLAG, "suspended-no-data": FLAG},
    **{"suspended-fencing": FLAG, "suspended-quorum": FLAG, "force-io-failures": FLAG},
    **{"devices": LIST, "connections": LIST},
}
DEVICE_KEYS = {
    **{"volume": VOLUME, "minor": MINOR, "disk-state": TEXT},
    **{"client": FLAG, "open": FLAG, "quorum": FLAG},
    **{"size": COUNT, "read": COUNT, "written": COUNT, "al-writes": COUNT, "bm-writes": COUNT},
    **{"upper-pending": COUNT, "lower-pending": COUNT},
}
CONNECTION_KEYS = {
    **{"peer-node-id": NODE_ID, "name": TEXT, "connection-state": TEXT, "peer-role": TEXT},
    **{"congested": FLAG, "tls": FLAG, "ap-in-flight": COUNT, "rs-in-flight": COUNT},
    **{"paths": LIST, "peer_devices": LIST},
}
PATH_KEYS = {"this_host": OBJECT, "remote_host": OBJECT, "established": FLAG}
ADDRESS_KEYS = {"address": TEXT, "port": COUNT, "family": TEXT}
PEER_DEVICE_KEYS = {
    **{"volume": VOLUME, "replication-state": TEXT, "peer-disk-state": TEXT, "peer-client": FLAG},
    **{"resync-suspended": TEXT, "received": COUNT, "sent": COUNT, "out-of-sync": COUNT},
    **{"pending": COUNT, "unacked": COUNT, "percent-in-sync": NUMBER},
    **{"has-sync-details": FLAG, "has-online-verify-details": FLAG},
    **{"rs-total": COUNT, "rs-failed": COUNT, "rs-same-csum": COUNT},
    **{"rs-dt-start-ms": NUMBER, "rs-paused-ms": NUMBER, "rs-dt0-ms": NUMBER, "rs-dt1-ms": NUMBER},
    **{"rs-db0-sectors": NUMBER, "rs-db1-sectors": NUMBER, "want": NUMBER},
    **{"db/dt [MiB/s]": NUMBER, "db0/dt0 [MiB/s]": NUMBER, "db1/dt1 [MiB/s]": NUMBER},
    **{"estimated-seconds-to-finish": NUMBER, "percent-resync-done": NUMBER},
    **{"ov-start-sector": COUNT, "ov-stop-sector": NUMBER, "ov-position": NUMBER},
    **{"ov-left": COUNT, "ov-skipped": COUNT},
}


def _is_whole(value: object, most: int) -> bool:
    """True and false are whole numbers to Python."""
    return type(value) is int and 0 <= value <= most


def _is_number(value: object) -> bool:
    """What is calculated of 64-bit numbers is far below 1e40, which NaN and infinity are not."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) < 1e40


_FITS: Mapping[str, Callable[[object], bool]] = {
    FLAG: lambda value: isinstance(value, bool),
    COUNT: lambda value: _is_whole(value, 2**64 - 1),
    NUMBER: _is_number,
    TEXT: lambda value: isinstance(value, str),
    LIST: lambda value: isinstance(value, list),
    OBJECT: lambda value: isinstance(value, JsonObject),
    VOLUME: lambda value: _is_whole(value, 2**16 - 1),
    MINOR: lambda value: _is_whole(value, 2**20 - 1),
    NODE_ID: lambda value: _is_whole(value, 31),
}


class JsonObject(dict[str, object]):
    """An object of the JSON without the keys that are there more than once: they are `repeated`."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.repeated: set[str] = set()
        if len(self) != len(pairs):
            self.repeated = set(repeated(key for key, _ in pairs))
            for key in self.repeated:
                del self[key]


def fits(kind: str, value: object) -> bool:
    """Whether a value is of this kind, which is one of those above."""
    return _FITS[kind](value)


def load(text: str, problems: Problems) -> list[object]:
    """The items of the list that the text is; none, and a problem, where it is something else."""
    if len(text) > MAX_CHARACTERS:
        problems.add(None, f"longer than {MAX_CHARACTERS} characters: nothing of it is read")
        return []
    try:
        value: object = json.loads(text, object_pairs_hook=JsonObject)
    except json.JSONDecodeError as error:
        problems.add(error.lineno, f"this is no JSON: {error.msg}")
    except RecursionError:
        problems.add(None, "this is no status: lists in lists without an end")
    except ValueError:
        problems.add(None, "this is no status: a number of thousands of digits")
    else:
        if isinstance(value, list):
            return value
        problems.add(None, f"this is no list of resources: {quoted(value)}")
    return []


def repeated(values: Iterable[Value]) -> dict[Value, int]:
    """Those that are there more than once, and how often."""
    return {value: times for value, times in Counter(values).items() if times > 1}


def volume_or(value: JsonObject, otherwise: str) -> str:
    """The words `volume 3`, for a message about this object."""
    volume = value.get("volume")
    return f"volume {volume}" if fits(VOLUME, volume) else otherwise


def quoted(value: object) -> str:
    """What was read, escaped and cut to a bound, so that any terminal survives it."""
    if isinstance(value, list):
        return LIST
    if isinstance(value, dict):
        return OBJECT
    cut = isinstance(value, str) and len(value) > MAX_QUOTED_CHARS
    text = ascii(value[:MAX_QUOTED_CHARS] if isinstance(value, str) else value)
    return f"{text}..." if cut else text[: 2 * MAX_QUOTED_CHARS + 2]


class Fields:
    """The values of one object. What is wrong with them makes it doubtful, and is a problem.

    `place` begins each message: "resource mail, connection beta". `doubtful` is to be read last.
    """

    def __init__(self, value: JsonObject, place: str, problems: Problems) -> None:
        self.place = place
        self.doubtful = False
        self._read = value
        self._problems = problems
        self._values: dict[str, object] = {}

    def doubt(self, message: str) -> None:
        """Never act upon this object, for this reason."""
        self.doubtful = True
        self._problems.add(None, f"{self.place}: {message}")

    def check(self, keys: Mapping[str, str], required: tuple[str, ...]) -> None:
        """Take the values of the known keys that are what they have to be."""
        for key, value in self._read.items():
            wanted = keys.get(key)
            if wanted is None:
                self.doubt(f"unknown key {quoted(key)}")
            elif not fits(wanted, value):
                self.doubt(f"{key} is not {wanted}: {quoted(value)}")
            else:
                self._values[key] = value
        for key in sorted(self._read.repeated):
            self.doubt(f"key {quoted(key)} is there more than once")
        for key in required:
            if key not in self._read and key not in self._read.repeated:
                self.doubt(f"key '{key}' is missing")

    def name(self, key: str) -> str | None:
        """A name that a message can hold; None where there is none, which `check` says."""
        value = self._read.get(key)
        if not isinstance(value, str):
            return None
        is_short = 0 < len(value) <= MAX_NAME_CHARACTERS
        # U+FFFD stands for bytes that are not UTF-8: two such names may be one.
        if is_short and value.isprintable() and "\ufffd" not in value:
            return value
        self.doubt(f"{key} is not a name: {quoted(value)}")
        return None

    def word(self, key: str, words: Mapping[str, Word]) -> Word | None:
        """What the word stands for; None where it is not one of these."""
        text = self._values.get(key)
        if not isinstance(text, str):
            return None
        if text not in words:
            self.doubt(f"unknown {key} {quoted(text)}")
        return words.get(text)

    def flag(self, key: str) -> bool | None:
        """True or false; None where it is not said."""
        value = self._values.get(key)
        return value if isinstance(value, bool) else None

    def count(self, key: str) -> int | None:
        """A whole number; None where it is not said."""
        value = self._values.get(key)
        return value if isinstance(value, int) else None

    def number(self, key: str) -> float | None:
        """A number; None where it is not said."""
        value = self._values.get(key)
        return value if isinstance(value, (int, float)) else None

    def objects(self, key: str, most: int) -> list[JsonObject]:
        """The objects of a list. More than `most` are not read."""
        value = self._values.get(key)
        items = value if isinstance(value, list) else []
        if len(items) > most:
            self.doubt(f"more than {most} {key}: the rest is not read")
        found = [item for item in items[:most] if isinstance(item, JsonObject)]
        if len(found) < min(len(items), most):
            self.doubt(f"something in {key} is not an object")
        return found

    def object(self, key: str) -> JsonObject | None:
        """An object; None where it is not there."""
        value = self._values.get(key)
        return value if isinstance(value, JsonObject) else None
