"""What holds for any text of /proc/drbd, whole or damaged."""

from __future__ import annotations

import dataclasses

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from connector.model import ConnectionState, Device, DiskState, ProcDrbd
from connector.observe.proc_drbd import MAX_PROBLEMS, parse
from tests.observe.devices import kernels, node_devices
from tests.observe.kernel_format import Kernel

# A loaded machine is no failure.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# What a damaged byte may become: anything, and rather often what means something to the parser.
any_char = st.one_of(st.sampled_from("\n\t\r \0:/[]%0159csroCrA-"), st.characters())


def _is_healthy(device: Device) -> bool:
    return (
        device.connection is ConnectionState.CONNECTED
        and device.disk is DiskState.UP_TO_DATE
        and device.peer_disk is DiskState.UP_TO_DATE
    )


def _assert_others_unharmed(
    devices: list[Device], damaged: int, parsed: ProcDrbd, also: int | None = None
) -> None:
    """All blocks but the damaged one mean what they meant; it may only have taken their minor."""
    spared = [device for n, device in enumerate(devices) if n not in (damaged, also)]
    minors = [device.minor for device in parsed.devices]
    for device in spared:
        if minors.count(device.minor) == 1:
            assert device in parsed.devices
        else:
            same_minor = [found for found in parsed.devices if found.minor == device.minor]
            assert dataclasses.replace(device, doubtful=True) in same_minor
            assert all(found.doubtful for found in same_minor)
    assert len(parsed.devices) <= len(devices)


def _assert_not_healed(before: Device, devices: list[Device], parsed: ProcDrbd) -> None:
    """A sick block does not become a healthy one, and without a problem no state has changed."""
    spared = {device.minor for device in devices if device is not before}
    for found in parsed.devices:
        if found.minor in spared or found.doubtful:
            continue
        assert parsed.problems or found.connection is before.connection
        assert _is_healthy(before) or not _is_healthy(found) or parsed.problems
    if before.minor not in {found.minor for found in parsed.devices}:
        # It is lost. Either that is said, or its number is another one now, or nothing was there.
        is_moved = len(parsed.devices) == len(devices)
        assert parsed.problems or is_moved or before.connection is ConnectionState.UNCONFIGURED


@unhurried
@given(st.one_of(st.binary(), st.text(alphabet=st.characters(exclude_categories=[]))))
@example(b"")
@example(b"\xff\xfe 0: cs:\xff")
@example(" 0: cs:\udcff ro:\udcff/\udcff ds:\udcff/\udcff \udcff \udcff\udcff\n ns:\udcff\n")
@example(" 0: cs:Connected ro:Primary/Primary ds:UpToDate/UpToDate C r---\n ns:" + "9" * 5000)
def test_any_text_gives_a_result(text: str | bytes) -> None:
    parsed = parse(text)
    assert len(parsed.problems) <= MAX_PROBLEMS + 1
    for problem in parsed.problems:
        assert problem.message.isascii()
        assert problem.message.isprintable()
        assert len(problem.message) < 600


_PIECES = [
    "version: 8.4.11 (api:1/proto:86-101)", "srcversion: ", "built-in", "Transports (api:21):",
    " 0: cs:", "1:", "cs:", "Connected", "StandAlone", "SyncSource", "Unconfigured", " ro:", " st:",
    "Primary", "/", "Unknown", " ds:", " ld:", "UpToDate", " C r-----", "   r---", "\n", "\n", "\t",
    "    ns:0 nr:0", " oos:", "0", "-1", "99999999999999999999999", "[==>...]", " sync'ed:", "4.0%",
    "(1/2)K", "(1/2)M", "finish: 0:00:01", " speed: ", "1,234", " (5) K/sec", "stalled", "\0", " ",
    "\x80", "∞", "é", "\u0663",
]  # fmt: skip


@unhurried
@given(st.lists(st.sampled_from(_PIECES), max_size=60).map("".join))
def test_any_pieces_put_together_give_a_result(text: str) -> None:
    assert parse(text) == parse(text.encode())


@unhurried
@given(node_devices(), kernels)
def test_what_the_kernel_prints_is_read_back(devices: list[Device], kernel: Kernel) -> None:
    assert parse(kernel.text(devices)) == ProcDrbd(
        version="8.4.11", api=1, proto=(86, 101), devices=tuple(devices), problems=()
    )


@unhurried
@given(node_devices(min_size=1), kernels, any_char, st.data())
def test_one_wrong_byte_harms_one_block(
    devices: list[Device], kernel: Kernel, char: str, data: st.DataObject
) -> None:
    blocks = kernel.blocks(devices)
    damaged = data.draw(st.integers(0, len(blocks) - 1))
    # Without the last line break, the next block would be damaged too: that is another test.
    at = data.draw(st.integers(0, len(blocks[damaged]) - 2))
    blocks[damaged] = blocks[damaged][:at] + char + blocks[damaged][at + 1 :]
    parsed = parse(kernel.header() + "".join(blocks))
    _assert_others_unharmed(devices, damaged, parsed)
    _assert_not_healed(devices[damaged], devices, parsed)


@unhurried
@given(node_devices(min_size=1), kernels, st.data())
def test_one_line_cut_short_harms_one_block(
    devices: list[Device], kernel: Kernel, data: st.DataObject
) -> None:
    blocks = kernel.blocks(devices)
    damaged = data.draw(st.integers(0, len(blocks) - 1))
    lines = blocks[damaged].splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
    blocks[damaged] = "".join(line + "\n" for line in lines)
    parsed = parse(kernel.header() + "".join(blocks))
    _assert_others_unharmed(devices, damaged, parsed)
    _assert_not_healed(devices[damaged], devices, parsed)


@unhurried
@given(node_devices(min_size=1), kernels, st.data())
def test_one_line_lost_harms_one_block(
    devices: list[Device], kernel: Kernel, data: st.DataObject
) -> None:
    blocks = kernel.blocks(devices)
    damaged = data.draw(st.integers(0, len(blocks) - 1))
    lines = blocks[damaged].splitlines(keepends=True)
    lost = lines.pop(data.draw(st.integers(0, len(lines) - 1)))
    blocks[damaged] = "".join(lines)
    parsed = parse(kernel.header() + "".join(blocks))
    _assert_others_unharmed(devices, damaged, parsed)
    if "ns:" in lost or ("cs:" in lost and "Unconfigured" not in lost):
        assert parsed.problems
        assert not any(
            device == devices[damaged] for device in parsed.devices if not device.doubtful
        )


@unhurried
@given(node_devices(min_size=2), kernels, st.data())
def test_a_lost_line_break_harms_two_blocks(
    devices: list[Device], kernel: Kernel, data: st.DataObject
) -> None:
    blocks = kernel.blocks(devices)
    first = data.draw(st.integers(0, len(blocks) - 2))
    blocks[first] = blocks[first][:-1]
    blocks[first + 1] = blocks[first + 1].removeprefix("\n")
    parsed = parse(kernel.header() + "".join(blocks))
    _assert_others_unharmed(devices, first, parsed, also=first + 1)
    assert parsed.problems


@unhurried
@given(node_devices(min_size=1), kernels, st.data())
def test_a_text_cut_off_says_so(devices: list[Device], kernel: Kernel, data: st.DataObject) -> None:
    blocks = kernel.blocks(devices)
    last = data.draw(st.integers(0, len(blocks) - 1))
    cut = blocks[last][: data.draw(st.integers(1, len(blocks[last]) - 1))]
    parsed = parse(kernel.header() + "".join(blocks[:last]) + cut)
    assert parsed.devices[:last] == tuple(devices[:last])
    if not cut.endswith("\n") or cut.count("\n") == 1 + cut.startswith("\n"):
        # In the middle of a line, or between the two lines that stand together.
        assert parsed.problems or cut == "\n"
        assert all(device.doubtful for device in parsed.devices[last:])
    for device in parsed.devices[last:]:
        assert device.doubtful or device in (
            devices[last],
            dataclasses.replace(devices[last], sync=None),
        )


@unhurried
@given(node_devices(min_size=1), kernels, st.text(alphabet="PStanyd", min_size=1), st.data())
def test_an_unknown_word_is_a_problem_and_never_a_state(
    devices: list[Device], kernel: Kernel, word: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(devices) - 1))
    device = devices[at]
    assume(device.connection is not ConnectionState.UNCONFIGURED)
    field, what, before = data.draw(
        st.sampled_from(
            [
                ("connection", "connection state", f"cs:{device.connection} "),
                ("role", "role", f"ro:{device.role}/"),
                ("peer_role", "peer role", f"/{device.peer_role} ds:"),
                ("disk", "disk state", f"ds:{device.disk}/"),
                ("peer_disk", "peer disk state", f"/{device.peer_disk} {device.protocol or ' '} "),
            ]
        )
    )
    state = str(getattr(device, field))
    blocks = kernel.blocks(devices)
    blocks[at] = blocks[at].replace(before, before.replace(state, word, 1), 1)
    parsed = parse(kernel.header() + "".join(blocks))
    changes = {field: None, "doubtful": True}
    assert parsed.devices[at] == dataclasses.replace(device, **changes)  # type: ignore[arg-type]
    number = (kernel.header() + "".join(blocks[: at + 1])).split(f"{device.minor}: cs:")[0]
    assert [(p.line, p.message) for p in parsed.problems] == [
        (number.count("\n") + 1, f"minor {device.minor}: unknown {what}: {word[:60]!a}")
    ]
