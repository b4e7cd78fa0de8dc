"""The kernel's rules on generation identifiers, with captured values where there are any."""

from __future__ import annotations

import pytest

from connector.simulate.identifiers import (
    JUST_CREATED,
    Identifiers,
    Party,
    compare,
    fresh_identifier,
)


def party(*identifiers: int, primary: bool = False, crashed: bool = False) -> Party:
    return Party(Identifiers(*identifiers), primary, crashed)


@pytest.mark.parametrize(
    ("own", "peer", "expected"),
    [
        pytest.param(party(), party(), (0, 10), id="both just created"),
        pytest.param(party(), party(0x10), (-2, 20), id="own just created"),
        pytest.param(party(0), party(0x10), (-2, 20), id="own zero"),
        pytest.param(party(0x10), party(), (2, 30), id="peer just created"),
        pytest.param(party(0x10), party(0x10), (0, 40), id="equal"),
        pytest.param(party(0x11, primary=True), party(0x10), (0, 40), id="equal but for the role"),
        pytest.param(party(0x10), party(0x10, crashed=True), (-1, 40), id="peer crashed"),
        pytest.param(party(0x10, crashed=True), party(0x10), (1, 40), id="own crashed"),
        pytest.param(
            party(0x11, primary=True), party(0x10, crashed=True), (1, 41), id="crashed is back"
        ),
        pytest.param(party(0x10), party(0x20, 0x11), (-1, 50), id="peer went on"),
        pytest.param(party(0x10), party(0x20, 0, 0x10), (-2, 60), id="peer went on long ago"),
        pytest.param(party(0x20, 0x11), party(0x10), (1, 70), id="own went on"),
        pytest.param(party(0x20, 0, 0, 0x10), party(0x10), (2, 80), id="own went on long ago"),
        pytest.param(party(0x21, 0x11), party(0x30, 0x10), (100, 90), id="split brain"),
        pytest.param(party(0x21, 0, 0x50), party(0x31, 0, 0x50), (-100, 100), id="old split"),
        pytest.param(party(0x21, 0, 0, 0), party(0x31, 0, 0, 0x5), (-100, 100), id="zeros match"),
        pytest.param(party(0x21, 0, 6, 8), party(0x31, 0, 10, 12), (-1000, 100), id="unrelated"),
    ],
)
def test_compare(own: Party, peer: Party, expected: tuple[int, int]) -> None:
    assert compare(own, peer, resolves_conflicts=True) == expected


def test_both_sides_come_to_opposite_verdicts() -> None:
    old, new = party(0x10), party(0x21, 0x10, primary=True)
    assert compare(old, new, resolves_conflicts=True)[0] == -1
    assert compare(new, old, resolves_conflicts=False)[0] == 1


def test_a_resync_as_captured() -> None:
    """healed/alpha and healed/beta: before, at its start and after it, on both sides."""
    source = Identifiers(
        0x49C59B5472954F99, 0x4B53891C4B844B21, 0xC99A7F2D5005D7EF, 0xC9997F2D5005D7EF
    )
    target = Identifiers(
        0x3875E0FE4D2F3616, 0x4B53891C4B844B20, 0xC99A7F2D5005D7EE, 0xC9997F2D5005D7EF
    )
    at_the_handshake = source.copy()
    target.start_as_target(source.start_as_source(fresh=1))
    assert str(source) == "49C59B5472954F99:4B54891C4B844B21:4B53891C4B844B21:C99A7F2D5005D7EF"
    assert str(target) == "4B54891C4B844B20:0000000000000000:C99A7F2D5005D7EE:C9997F2D5005D7EF"
    source.finish_as_source()
    target.finish_as_target(at_the_handshake, primary=False)
    assert str(source) == "49C59B5472954F99:0000000000000000:4B54891C4B844B21:4B53891C4B844B21"
    assert str(target) == "49C59B5472954F98:0000000000000000:4B54891C4B844B20:4B53891C4B844B21"


def test_a_new_generation_as_captured() -> None:
    """split_brain_both_mounted/beta, 64.866202."""
    beta = Identifiers(0x4B53891C4B844B20, 0, 0xC99A7F2D5005D7EE, 0xC9997F2D5005D7EF)
    beta.new_current(0x3875E0FE4D2F3616, primary=True)
    assert str(beta) == "3875E0FE4D2F3617:4B53891C4B844B20:C99A7F2D5005D7EE:C9997F2D5005D7EF"


def test_a_first_sync_has_a_random_bitmap_identifier() -> None:
    first = Identifiers(0x11, JUST_CREATED)
    assert first.start_as_source(fresh=0x77) == 0x77
    assert (first.bitmap, first.history) == (0x77, JUST_CREATED)


def test_fresh_identifiers_repeat_and_differ() -> None:
    given = [fresh_identifier(1, number) for number in range(100)]
    assert given == [fresh_identifier(1, number) for number in range(100)]
    assert len({identifier & ~1 for identifier in given}) == 100
