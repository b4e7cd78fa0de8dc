"""Any devices that DRBD 8.0 to 8.3 can print, with the kernel that prints them, for hypothesis."""

from __future__ import annotations

from itertools import product

from hypothesis import strategies as st

from connector.model import ConnectionState, Device, DiskState, Role, SyncProgress
from tests.observe.older_kernels import BIT_KIB, LARGEST_TOTAL_IN_K, OlderKernel

C = ConnectionState
_VERIFYING = {C.VERIFY_S, C.VERIFY_T}
_KINDS = {C.SYNC_SOURCE: "resync", C.SYNC_TARGET: "resync"} | dict.fromkeys(_VERIFYING, "verify")
_STATES = (
    *(C.STANDALONE, C.DISCONNECTING, C.UNCONNECTED, C.TIMEOUT, C.BROKEN_PIPE, C.NETWORK_FAILURE),
    *(C.PROTOCOL_ERROR, C.TEAR_DOWN, C.WF_CONNECTION, C.WF_REPORT_PARAMS, C.CONNECTED),
    *(C.STARTING_SYNC_S, C.STARTING_SYNC_T, C.WF_BITMAP_S, C.WF_BITMAP_T, C.WF_SYNC_UUID),
    *(C.SYNC_SOURCE, C.SYNC_TARGET, C.PAUSED_SYNC_S, C.PAUSED_SYNC_T),
)
# The versions with their api and the least and most of their protocols.
_VERSIONS = st.one_of(
    st.tuples(st.just(8), st.just(0), st.integers(0, 16)).map(lambda v: (v, 86, (86, 86))),
    st.tuples(st.just(8), st.just(2), st.integers(0, 7)).map(lambda v: (v, 88, (86, 88))),
    st.tuples(st.just(8), st.just(3), st.integers(0, 16)).map(lambda v: (v, 88, (86, 97))),
)
_BUILDS = (
    "SVN Revision: 2947 build by root@drbd-one, 2007-07-30 16:43:05",
    "GIT-hash: bb447522fc9a87d0069b7e14f0234911ebdab0f7 build by phil@fat-tyre, 2008-11-12",
    "srcversion: EE47D8BF18AC166BE219757 ",
)
_speeds = st.integers(0, 2**31 - 1)


@st.composite
def kernels(draw: st.DrawFn) -> OlderKernel:
    """One version, with what depends on its build."""
    version, api, proto = draw(_VERSIONS)
    return OlderKernel(
        version=version,
        api=api,
        proto=proto,
        build=draw(st.sampled_from(_BUILDS)),
        prints_lru=version < (8, 2, 0) or draw(st.booleans()),
        probe=draw(st.sampled_from(["", " delay_probe: 35", " queue_delay: 12.3 ms"]))
        if version == (8, 3, 8)
        else "",
    )


@st.composite
def printed(draw: st.DrawFn) -> tuple[OlderKernel, list[Device]]:
    """A kernel, and devices in the order of their minors, with gaps."""
    kernel = draw(kernels())
    minors = draw(st.lists(st.integers(0, 255), max_size=5, unique=True))
    return kernel, [draw(_devices(kernel, minor)) for minor in sorted(minors)]


@st.composite
def _devices(draw: st.DrawFn, kernel: OlderKernel, minor: int) -> Device:
    if draw(st.integers(0, 9)) == 0:
        return Device(minor, C.UNCONFIGURED)
    states = [*_STATES, *(sorted(_VERIFYING) if kernel.verifies else ())]
    states += [C.AHEAD, C.BEHIND] if kernel.version >= (8, 3, 10) else []
    connection = draw(st.sampled_from(states))
    return Device(
        minor=minor,
        connection=connection,
        role=draw(st.sampled_from([Role.PRIMARY, Role.SECONDARY])),
        peer_role=draw(st.sampled_from(Role)),
        disk=draw(st.sampled_from([disk for disk in DiskState if disk is not DiskState.DUNKNOWN])),
        peer_disk=draw(st.sampled_from(DiskState)),
        protocol=draw(st.sampled_from([None, "A", "B", "C"])),
        flags=draw(_flags(kernel)),
        statistics=draw(_statistics(kernel)),
        sync=draw(_syncs(kernel, connection)) if connection in _KINDS else None,
    )


def _flags(kernel: OlderKernel) -> st.SearchStrategy[str]:
    letters = ("rs", "-a", "-p", "-u", "-dcbna", "-s")[: kernel.flags]
    every = st.sampled_from(["".join(flags) for flags in product(*letters)])
    if kernel.version == (8, 3, 1):
        # It prints a NUL for no congestion, of which nothing is left.
        return every.map(lambda flags: flags[:4] + flags[4:].strip("-"))
    return every


def _statistics(kernel: OlderKernel) -> st.SearchStrategy[dict[str, int | str]]:
    counts, pending = st.integers(0, 2**31), st.integers(-3, 2**31 - 1)
    own: dict[str, st.SearchStrategy[int | str]] = dict.fromkeys(kernel.statistics, counts)
    own |= dict.fromkeys(("lo", "pe", "ua", "ap"), pending)
    if "wo" in own:
        own["wo"] = st.sampled_from("bfdn")
    if "oos" in own:
        own["oos"] = st.integers(0, 2**50)
    return st.fixed_dictionaries(own)


@st.composite
def _syncs(draw: st.DrawFn, kernel: OlderKernel, connection: ConnectionState) -> SyncProgress:
    kind = _KINDS[connection]
    if kind == "verify" and not kernel.verify_has_a_bar:
        total, left = draw(st.integers(1, 2**31)), draw(st.integers(0, 2**31))
        return SyncProgress(
            kind=kind,
            percent=float(draw(st.integers(0, 100))),
            left_kib=min(left, total) * BIT_KIB,
            total_kib=total * BIT_KIB,
        )
    # Above the bound in whole MiB, as it is printed; below it in bits.
    step_kib, least, most = draw(
        st.sampled_from([(BIT_KIB, 1, LARGEST_TOTAL_IN_K // BIT_KIB), (1024, 4097, 2**30)])
    )
    steps = draw(st.integers(least, most))
    stalls = kernel.version <= (8, 3, 8) and draw(st.booleans())
    return SyncProgress(
        kind=kind,
        percent=draw(st.integers(0, 1000)) / 10,
        left_kib=draw(st.integers(0, steps)) * step_kib,
        total_kib=steps * step_kib,
        finish_s=None if stalls else draw(st.integers(0, 2**40)),
        speed_kib_per_s=None if stalls else draw(_speeds),
        average_kib_per_s=None if stalls else draw(_speeds),
        stalled=stalls,
    )
