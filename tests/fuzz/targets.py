"""All that is fuzzed, by name."""

from __future__ import annotations

from tests.fuzz.answers import ANSWERS
from tests.fuzz.connector_toml import CONNECTOR_TOML
from tests.fuzz.drbd_configuration import DRBD_CONF, DUMP_XML
from tests.fuzz.drbdsetup_status import DRBDSETUP_STATUS
from tests.fuzz.entry import Entry
from tests.fuzz.events2 import EVENTS2
from tests.fuzz.kernel_log import KERNEL_LOG
from tests.fuzz.mounts import MOUNTINFO, SWAPS
from tests.fuzz.proc_drbd import PROC_DRBD
from tests.fuzz.state_files import COUNTERS, INCIDENTS, JOURNAL, LAST_PASS, PAUSES

TARGETS: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        PROC_DRBD,
        KERNEL_LOG,
        DUMP_XML,
        DRBD_CONF,
        MOUNTINFO,
        SWAPS,
        EVENTS2,
        DRBDSETUP_STATUS,
        ANSWERS,
        CONNECTOR_TOML,
        INCIDENTS,
        PAUSES,
        COUNTERS,
        LAST_PASS,
        JOURNAL,
    )
}
