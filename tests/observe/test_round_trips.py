"""What the kernel and DRBD print of any value is read back as it was; damaged, it heals nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.model import ConnectionState, Device, DiskState, ProcDrbd
from connector.observe.kernel_log import LogRecord, parse_records
from connector.observe.mounts import Mount, Swap, parse_mountinfo, parse_swaps
from connector.observe.proc_drbd import parse
from tests.fuzz import proc_drbd as any_proc_drbd
from tests.observe import devices, older_devices
from tests.observe.older_kernels import OlderKernel

# A loaded machine is no failure.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOWHERE = Path()  # the entry writes nothing
FIXTURES = Path(__file__).parents[1] / "fixtures" / "proc_drbd"

_of_8_4 = st.builds(
    lambda kernel, found: (kernel.text(found), found), devices.kernels, devices.node_devices()
)
_of_older = older_devices.printed().map(lambda both: (both[0].text(both[1]), both[1]))


@unhurried
@given(older_devices.printed())
def test_what_older_kernels_print_is_read_back(printed: tuple[OlderKernel, list[Device]]) -> None:
    kernel, found = printed
    assert parse(kernel.text(found)) == ProcDrbd(
        version=".".join(map(str, kernel.version)),
        api=kernel.api,
        proto=kernel.proto,
        devices=tuple(found),
        problems=(),
    )


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("published/016_8.0.14_Unconfigured_and_Connected.txt", (8, 0, 14)),
        ("published/023_8.3.0_Connected_Inconsistent_minor1.txt", (8, 3, 0)),
        ("published/033_8.3.7_Unconfigured.txt", (8, 3, 7)),
        ("published/036_8.3.7_two_minors.txt", (8, 3, 7)),
        ("published/042_8.3.8_dual_primary.txt", (8, 3, 8)),
        ("published/052_8.3.15_Connected_before_detach.txt", (8, 3, 15)),
        ("composed/8.2.5_verify_with_oos_before_the_bar.txt", (8, 2, 5)),
        ("composed/8.3.1_nul_flag.txt", (8, 3, 1)),
        ("composed/8.3.7_verify_before_the_bar.txt", (8, 3, 7)),
    ],
)
def test_the_renderer_prints_older_texts_as_they_are(
    name: str, kernel: tuple[int, int, int]
) -> None:
    """Blanks at the start, which a published text may have lost, and LRU lines are no matter."""
    text = (FIXTURES / name).read_text(encoding="utf-8")
    parsed = parse(text)
    assert parsed.api is not None
    assert parsed.proto is not None
    build = text.split("\n")[1]
    printed = OlderKernel(kernel, parsed.api, parsed.proto, build).text(parsed.devices)
    told = [line.strip() for line in text.split("\n")]
    if text.split("\n")[2] and parsed.devices[0].minor:
        told.insert(2, "")  # published without the empty line of a gap
    lru = ("resync: used", "act_log: used")
    assert [line.strip() for line in printed.split("\n")] == [
        line for line in told if not line.startswith(lru)
    ]


def _is_healthy(device: Device) -> bool:
    return (
        device.connection is ConnectionState.CONNECTED
        and device.disk is DiskState.UP_TO_DATE
        and device.peer_disk is DiskState.UP_TO_DATE
    )


def _healthy(text: str) -> set[int]:
    return {device.minor for device in parse(text).devices if _is_healthy(device)}


def _check_damaged(found: list[Device], damaged: str) -> None:
    """No word is read that is not there, and where nothing was healthy nothing is now."""
    any_proc_drbd.run(damaged.encode("utf-8", "surrogatepass"), NOWHERE)
    if not any(map(_is_healthy, found)):
        assert _healthy(damaged) == set()


@unhurried
@given(st.one_of(_of_8_4, _of_older), st.data())
def test_a_flipped_byte_heals_nothing(
    printed: tuple[str, list[Device]], data: st.DataObject
) -> None:
    text, found = printed
    raw = bytearray(text.encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    _check_damaged(found, raw.decode("utf-8", "replace"))


@unhurried
@given(st.one_of(_of_8_4, _of_older), st.data())
def test_a_cut_line_heals_nothing(printed: tuple[str, list[Device]], data: st.DataObject) -> None:
    text, found = printed
    lines = text.split("\n")
    at = data.draw(st.integers(0, len(lines) - 1))
    cut = data.draw(st.integers(0, len(lines[at])))
    lines[at] = lines[at][:cut] if data.draw(st.booleans()) else lines[at][cut:]
    _check_damaged(found, "\n".join(lines))


@unhurried
@given(st.one_of(_of_8_4, _of_older), st.data())
def test_a_doubled_line_heals_nothing_and_changes_no_state(
    printed: tuple[str, list[Device]], data: st.DataObject
) -> None:
    text, found = printed
    lines = text.split("\n")
    at = data.draw(st.integers(0, len(lines) - 1))
    where = data.draw(st.integers(0, len(lines) - 1))
    damaged = "\n".join([*lines[:where], lines[at], *lines[where:]])
    _check_damaged(found, damaged)
    states = {(device.minor, device.connection, device.role, device.disk) for device in found}
    for device in parse(damaged).devices:
        assert (device.minor, device.connection, device.role, device.disk) in states


def _escaped(name: bytes) -> bytes:
    r"""As `mangle` of fs/proc_namespace.c and `seq_file_path` of mm/swapfile.c print a name."""
    return b"".join(b"\\%03o" % byte if byte in b" \t\n\\" else bytes([byte]) for byte in name)


_names = st.one_of(
    st.binary(min_size=1),
    st.lists(
        st.sampled_from([b" ", b"\\", b"\t", b"\n", b"-", b"040", b"drbd", b"\xff"]), min_size=1
    ).map(b"".join),
).filter(lambda name: b"\0" not in name)
_numbers = st.integers(0, 2**20 - 1)
_optional = st.lists(
    st.sampled_from([b"shared:1", b"master:22", b"propagate_from:3", b"unbindable"]), max_size=3
)
_mounts = st.builds(
    Mount,
    major=st.integers(0, 4095),
    minor=_numbers,
    where=_names.map(lambda name: os.fsdecode(b"/" + name)),
    fstype=st.sampled_from(["ext4", "xfs", "fuse.sshfs", "tmpfs"]),
    source=st.one_of(st.just(b""), _names).map(os.fsdecode),
)


@unhurried
@given(st.lists(st.tuples(_mounts, _names, _optional), max_size=5))
def test_mounts_are_read_back(printed: list[tuple[Mount, bytes, list[bytes]]]) -> None:
    lines = [
        b" ".join(
            [
                *(b"36 35 %d:%d" % (mount.major, mount.minor), b"/" + _escaped(root)),
                *(_escaped(os.fsencode(mount.where)), b"rw,relatime", *optional, b"-"),
                *(mount.fstype.encode(), _escaped(os.fsencode(mount.source)), b"rw,errors=remount"),
            ]
        )
        for mount, root, optional in printed
    ]
    text = os.fsdecode(b"".join(line + b"\n" for line in lines))
    assert parse_mountinfo(text) == (tuple(mount for mount, _, _ in printed), ())


@unhurried
@given(st.lists(st.tuples(_names, st.booleans(), st.booleans()), max_size=5))
def test_swaps_are_read_back(printed: list[tuple[bytes, bool, bool]]) -> None:
    text = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
    expected = []
    for name, is_partition, is_deleted in printed:
        # A name that really ends in the kernel's own word cannot be told from a deleted one.
        path = b"/" + name.removesuffix(b" (deleted)") + b"."
        shown = os.fsdecode(_escaped(path + (b" (deleted)" if is_deleted else b"")))
        kind = "partition\t" if is_partition else "file\t\t"
        text += f"{shown:<40}{'' if len(shown) < 40 else ' '}{kind}12244\t\t0\t\t-2\n"
        expected.append(Swap(os.fsdecode(path), is_partition))
    assert parse_swaps(text) == (tuple(expected), ())


# printk escapes whatever else a message holds (kernel/printk/printk.c `append_char`).
_messages = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
_records = st.tuples(
    st.integers(0, 7),
    st.integers(0, 2**64 - 1),
    st.integers(0, 10**15),
    st.sampled_from(["-", "c", "-,caller=T280"]),
    _messages,
)


@unhurried
@given(st.lists(st.tuples(_records, st.booleans()), max_size=8))
def test_records_of_the_kernel_are_read_back_and_those_of_programs_left_out(
    printed: list[tuple[tuple[int, int, int, str, str], bool]],
) -> None:
    lines = []
    for (level, sequence, at_us, flags, text), is_a_programs in printed:
        priority = level + 8 * is_a_programs
        lines += [f"{priority},{sequence},{at_us},{flags};{text}", " SUBSYSTEM=block"]
    assert parse_records(lines) == tuple(
        LogRecord(at_us / 1e6, text)
        for (_, _, at_us, _, text), is_a_programs in printed
        if not is_a_programs
    )
