"""The pair's picture: what is in it, for eyes and in its label."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.model import (
    Cause,
    ConnectionState,
    DiskState,
    Evidence,
    Generation,
    Resource,
    Role,
    SyncProgress,
)
from connector.report.page.drawing import MOST_VOLUMES, pair
from connector.report.page.link import Form, link_of
from tests import builders
from tests.report.page.reading import Element, part, with_class, words

C = ConnectionState


def drawn(resource: Resource) -> Element:
    """The picture of a resource."""
    return part(pair(resource, link_of(resource)))[0]


def texts(picture: Element) -> list[str]:
    return [element.text or "" for element in picture.iter("text")]


def shapes(picture: Element) -> list[tuple[str, str]]:
    """What is drawn between the sides: the elements and their classes."""
    between = [*picture.iter("line"), *picture.iter("path"), *picture.iter("circle")]
    return [
        (element.tag, element.get("class", ""))
        for element in between
        if "disk" not in element.get("class", "").split()
    ]


def syncing(state: ConnectionState, percent: float) -> Resource:
    device = builders.device(
        connection=state,
        peer_disk=DiskState.INCONSISTENT,
        sync=SyncProgress("resync", percent),
    )
    return builders.resource(connection=state, volumes=[builders.volume(device)])


def test_both_sides_with_role_use_and_disks() -> None:
    picture = drawn(builders.resource())
    assert texts(picture) == [
        *["this node", "Primary", "in use", "UpToDate"],
        *["peer", "Secondary", "use not seen", "UpToDate"],
    ]
    assert picture.get("role") == "img"
    assert picture.get("aria-label") == (
        "this node Primary, in use, disk UpToDate; Connected: connected; "
        "peer Secondary, use not seen, disk UpToDate"
    )
    assert len(with_class(picture, "primary")) == 1
    assert not with_class(picture, "unsure")


def test_one_of_several_peers_has_its_name() -> None:
    seen = replace(builders.resource(), peer="beta")
    assert texts(drawn(seen))[4] == "peer"
    assert texts(drawn(replace(seen, several=True)))[4] == "peer beta"


def test_a_side_that_is_not_known_has_a_broken_outline() -> None:
    picture = drawn(builders.resource(connection=C.WF_CONNECTION, role=None, in_use=False))
    assert len(with_class(picture, "unsure")) == 2
    assert texts(picture)[:3] == ["this node", "not known", "not in use"]
    assert texts(picture)[4:6] == ["peer", "Unknown"]


@pytest.mark.parametrize("state", [*DiskState, None])
def test_every_disk_state_is_written_beside_its_picture(state: DiskState | None) -> None:
    device = builders.device(disk=state, peer_disk=state)
    picture = drawn(builders.resource(volumes=[builders.volume(device)]))
    assert texts(picture).count(state or "not known") == 2
    disks = with_class(picture, "disk")
    good = [disk for disk in disks if "good" in disk.get("class", "").split()]
    assert (len(disks), len(good)) == (2, 2 if state is DiskState.UP_TO_DATE else 0)


def test_a_volume_that_is_not_up() -> None:
    picture = drawn(builders.resource(volumes=[builders.volume(minor=7, used_by=None)]))
    assert texts(picture)[2:4] == ["use not known", "not known"]


def test_several_volumes_are_numbered_and_too_many_are_counted() -> None:
    volumes = [
        builders.volume(builders.device(number), number=number)
        for number in range(MOST_VOLUMES + 3)
    ]
    few, many = (drawn(builders.resource(volumes=volumes[:most])) for most in (2, MOST_VOLUMES + 3))
    assert texts(few)[3:5] == ["0: UpToDate", "1: UpToDate"]
    assert "and 3 volumes" in texts(many)
    assert len(with_class(many, "disk")) == 2 * MOST_VOLUMES
    assert float(many.get("height", "0")) > float(few.get("height", "0"))


def test_no_two_forms_look_the_same() -> None:
    split = Evidence(cause=Cause.SPLIT_BRAIN)
    seen = {
        Form.SOLID: builders.resource(),
        Form.SYNCING: syncing(C.SYNC_SOURCE, 40),
        Form.WAITING: builders.resource(connection=C.WF_CONNECTION),
        Form.BROKEN: builders.resource(connection=C.STANDALONE),
        Form.SPLIT: builders.resource(connection=C.STANDALONE, evidence=split),
        Form.DIVERGED: replace(builders.resource(out_of_sync_kib=4), generation=Generation.NINE),
        Form.BETWEEN: builders.resource(connection=C.UNCONNECTED),
        Form.UNKNOWN: builders.resource(connection=None),
    }
    assert {form: link_of(resource).form for form, resource in seen.items()} == {
        form: form for form in Form
    }
    assert len({tuple(shapes(drawn(resource))) for resource in seen.values()}) == len(Form)


def test_a_sync_has_its_percentage_in_words_and_as_a_bar() -> None:
    picture = drawn(syncing(C.SYNC_SOURCE, 40))
    assert "40%" in texts(picture)
    assert [bar.get("width") for bar in with_class(picture, "done")] == ["40%"]
    assert "40% done" in (picture.get("aria-label") or "")


def test_the_arrows_of_a_sync_point_to_where_the_data_goes() -> None:
    def heads(state: ConnectionState) -> list[str | None]:
        return [mark.get("transform") for mark in with_class(drawn(syncing(state, 1)), "mark")]

    assert heads(C.SYNC_SOURCE) == [None]
    assert heads(C.SYNC_TARGET) == ["scale(-1 1)"]
    assert heads(C.STARTING_SYNC_S) == []


def test_no_style_attribute_which_the_policy_would_not_apply() -> None:
    for state in ConnectionState:
        for element in drawn(builders.resource(connection=state, role=Role.SECONDARY)).iter():
            assert element.get("style") is None
    assert words(drawn(builders.resource()))
