"""Any devices that DRBD 8.4 can print, for hypothesis."""

from __future__ import annotations

from itertools import product

from hypothesis import strategies as st

from connector.model import ConnectionState, Device, DiskState, Role, SyncProgress
from tests.observe.kernel_format import LARGEST_TOTAL_IN_K, STEP_IN_M, Kernel

_NOT_OF_8_4 = {
    ConnectionState.UNCONFIGURED,
    ConnectionState.SKIPPED_SYNC_S,
    ConnectionState.SKIPPED_SYNC_T,
    ConnectionState.DISKLESS_CLIENT,
    ConnectionState.SERVER_FOR_DISKLESS,
    ConnectionState.OFF,
    ConnectionState.ESTABLISHED,
}
_KINDS = {
    ConnectionState.SYNC_SOURCE: "resync",
    ConnectionState.SYNC_TARGET: "resync",
    ConnectionState.VERIFY_S: "verify",
    ConnectionState.VERIFY_T: "verify",
}
_WANTING = {ConnectionState.SYNC_TARGET, ConnectionState.VERIFY_S}

_counts = st.integers(0, 2**31)  # %u of a 32-bit counter of sectors, halved
_pending = st.integers(-3, 2**31 - 1)  # %d


_statistics: st.SearchStrategy[dict[str, int | str]] = st.fixed_dictionaries(
    {
        **dict.fromkeys(("ns", "nr", "dw", "dr", "al", "bm"), _counts),
        **dict.fromkeys(("lo", "pe", "ua", "ap", "ep"), _pending),
        "wo": st.sampled_from("bfdn"),
        "oos": st.integers(0, 2**50),
    }
)
_flags = st.sampled_from(["".join(f) for f in product("rs", "-a", "-p", "-u", "-dcbna", "-s")])


@st.composite
def _syncs(draw: st.DrawFn, connection: ConnectionState) -> SyncProgress:
    if draw(st.booleans()):
        total_kib = draw(st.integers(1, LARGEST_TOTAL_IN_K // 4)) * 4
        left_kib = draw(st.integers(0, total_kib // 4)) * 4
    else:
        steps = draw(st.integers(LARGEST_TOTAL_IN_K // STEP_IN_M + 1, 2**30))
        total_kib = steps * STEP_IN_M
        left_kib = draw(st.integers(0, steps)) * STEP_IN_M
    speeds = st.integers(-(2**63), 2**63 - 1)
    return SyncProgress(
        kind=_KINDS[connection],
        percent=draw(st.integers(0, 1000)) / 10,
        left_kib=left_kib,
        total_kib=total_kib,
        finish_s=draw(st.integers(0, 2**64 - 1)),
        speed_kib_per_s=draw(speeds),
        average_kib_per_s=draw(speeds),
        want_kib_per_s=draw(st.integers(0, 2**31 - 1)) if connection in _WANTING else None,
        stalled=draw(st.booleans()),
    )


@st.composite
def _devices(draw: st.DrawFn, minor: int) -> Device:
    if draw(st.integers(0, 9)) == 0:
        return Device(minor, ConnectionState.UNCONFIGURED)
    connection = draw(st.sampled_from([c for c in ConnectionState if c not in _NOT_OF_8_4]))
    return Device(
        minor=minor,
        connection=connection,
        role=draw(st.sampled_from([Role.PRIMARY, Role.SECONDARY])),
        peer_role=draw(st.sampled_from(Role)),
        disk=draw(st.sampled_from([disk for disk in DiskState if disk is not DiskState.DUNKNOWN])),
        peer_disk=draw(st.sampled_from(DiskState)),
        protocol=draw(st.sampled_from([None, "A", "B", "C"])),
        flags=draw(_flags),
        statistics=draw(_statistics),
        sync=draw(_syncs(connection)) if connection in _KINDS else None,
    )


@st.composite
def node_devices(draw: st.DrawFn, min_size: int = 0, max_size: int = 6) -> list[Device]:
    """In the order of their minors, with holes."""
    minors = draw(
        st.lists(
            st.one_of(st.integers(0, 12), st.integers(0, 2**20 - 1)),
            min_size=min_size,
            max_size=max_size,
            unique=True,
        )
    )
    return [draw(_devices(minor)) for minor in sorted(minors)]


kernels = st.builds(
    Kernel,
    build=st.sampled_from(
        [
            "srcversion: F73C670A7EC572DB9CF3E5B ",
            "GIT-hash: 833d830e0152d1e457fa7856e71e11248ccf3f70 debian/changelog build by @, "
            "2015-04-10 05:13:52",
            "built-in",
            "",
        ]
    ),
    is_mainline=st.booleans(),
    proc_details=st.integers(0, 2),
)
