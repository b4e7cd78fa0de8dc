"""What a victim gives up is kept whole before, and can be got back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.lab.administration import MINORS, default_mountpoint
from tests.lab.drbd_node import DrbdNode
from tests.lab.other_disks import on_other_disks, parts_of_the_spare_disk, volume_group
from tests.lab.pair import Pair

from .vocabulary import in_sync, passes_until

pytestmark = pytest.mark.real_drbd
DISCARD = {"mode": "discard"}
WAIT_S = 30.0


def split(pair: Pair, resource: str, *, size_kib: int = 64) -> dict[int, str]:
    """Both nodes write on every volume, beta lets go; the sums of beta's files by volume."""
    pair.cut_link()
    first = MINORS[resource][0]
    pair.on_both(lambda node: node.wait_for_connection("WFConnection", minor=first))
    sums: dict[int, str] = {}
    for node in pair.nodes:
        node.take_over(resource)
        for volume, minor in enumerate(MINORS[resource]):
            path = f"{default_mountpoint(minor)}/from-{node.name}"
            node.write_file(path, f"written on {node.name}\n", size_kib=size_kib)
            if node is pair.beta:
                sums[volume] = node.run(f"sha256sum <{path}").stdout.split()[0]
    pair.beta.let_go(resource)
    pair.restore_link()
    pair.wait_for_refusal(resource)
    return sums


def rescues(pair: Pair, node: DrbdNode, arguments: str = "list") -> list[dict[str, Any]]:
    """What connector says it has kept."""
    done = pair.connector(node, f"rescue {arguments} --json")
    found: list[dict[str, Any]] = json.loads(done.stdout)["rescues"]
    return found


def healed(pair: Pair, resource: str) -> None:
    """Let both agents heal it, and beta look at its rescue afterwards."""
    passes_until(pair, lambda: in_sync(pair, *MINORS[resource]))
    pair.beta.run_pass()


def comes_out_whole(pair: Pair, resource: str, sums: dict[int, str]) -> None:
    """Each volume's rescue mounts on beta and holds the file that only beta had."""
    (kept,) = rescues(pair, pair.beta)
    assert (kept["resource"], kept["lost"]) == (resource, None)
    assert kept["looked_at_s"] is not None
    assert [item["volume"] for item in kept["volumes"]] == list(sums)
    for volume, expected in sums.items():
        where = f"/mnt/rescue-{volume}"
        done = pair.connector(pair.beta, f"rescue mount {kept['name']} {where} --volume {volume}")
        assert done.exit_status == 0, done.stderr
        assert pair.beta.run(f"sha256sum <{where}/from-beta").stdout.split()[0] == expected
        assert pair.beta.run(f"test -e {where}/from-alpha", check=False).exit_status == 1


@pytest.mark.soak  # the first evening has a rescue, too
def test_the_copies_of_two_volumes_and_what_differs(real_pair: Pair) -> None:
    pair = real_pair
    pair.configure(DISCARD)
    # Somebody has looked at the disk before: what was read then must not end up in the copy.
    pair.beta.run("cat /dev/vdb /dev/vdc >/dev/null")
    sums = split(pair, "db")

    healed(pair, "db")

    comes_out_whole(pair, "db", sums)
    pair.alpha.let_go("db")
    pair.beta.take_over("db")
    compared = pair.connector(pair.beta, "rescue compare /mnt/rescue-1 /mnt/db-1").stdout
    assert compared.splitlines() == [
        "only in the healed from-alpha",
        f"only in the rescue from-beta  ({64 * 1024 + len('written on beta') + 1} bytes)",
        "2 differences",
    ]


@pytest.mark.soak
@pytest.mark.parametrize("resource", ["mail", "db"])
def test_copies_of_xfs(real_pair: Pair, resource: str) -> None:
    pair = real_pair
    minors = MINORS[resource]
    disks = {minor: f"/dev/mapper/part{number}" for number, minor in enumerate(minors)}
    make = parts_of_the_spare_disk(len(minors), 32)
    on_other_disks(pair, resource, make, disks, "xfs")
    pair.configure(DISCARD)
    sums = split(pair, resource)

    healed(pair, resource)

    comes_out_whole(pair, resource, sums)
    (kept,) = rescues(pair, pair.beta)
    assert {item["filesystem"] for item in kept["volumes"]} == {"xfs"}


@pytest.mark.soak  # it takes minutes
def test_a_snapshot_that_lasts_and_one_that_overflows(real_pair: Pair) -> None:
    pair = real_pair
    on_other_disks(pair, "mail", volume_group(64), {0: "/dev/pair/data0"}, "ext4")
    pair.configure(DISCARD)
    sums = split(pair, "mail")

    healed(pair, "mail")

    comes_out_whole(pair, "mail", sums)
    (kept,) = rescues(pair, pair.beta)
    assert kept["volumes"][0]["method"] == "lvm-snapshot"
    pair.beta.run("umount /mnt/rescue-0")
    assert pair.connector(pair.beta, f"rescue drop --yes {kept['name']}").exit_status == 0
    assert pair.beta.run("lvs --noheadings -o lv_name pair").stdout.split() == ["data0"]

    # Now there is room for little, and the survivor writes much before it is healed.
    pair.beta.run("lvcreate -y -q -n taken -L 96m pair")
    pair.alpha.let_go("mail")
    split(pair, "mail", size_kib=4)
    pair.alpha.write_file("/mnt/mail/much", size_kib=30 * 1024)
    passes = passes_until(pair, lambda: in_sync(pair, 0))
    # The first pass after the resync tells it; which one that is, is a matter of time.
    passes.append(pair.beta.run_pass())

    (lost,) = rescues(pair, pair.beta)
    assert "overflowed" in lost["lost"]
    told = [text for one in passes for text in one.report.get("warnings", ()) if "is lost" in text]
    assert len(told) == 1
    assert pair.connector(pair.beta, f"rescue show {lost['name']}").exit_status == 1


@pytest.mark.soak  # it takes minutes
def test_what_does_not_fit_is_not_given_up(real_pair: Pair) -> None:
    pair = real_pair
    pair.configure({**DISCARD, "max_attempts": 1}, more="[rescue]\nmax_size_mib = 1\n")
    split(pair, "mail")
    if pair.beta.connection() == "WFConnection":
        pair.beta.disconnect("mail")

    refused = pair.beta.run_pass()

    assert refused.commands == ()
    assert "room" in json.dumps(refused.report)
    assert pair.beta.run_pass().exit_status == 3
    assert rescues(pair, pair.beta) == []
    # A person may make room, and keep it ahead of the pass.
    pair.configure(DISCARD)
    kept = pair.connector(pair.beta, "rescue keep mail")
    assert kept.exit_status == 0, kept.stderr
    pair.connector(pair.beta, "resume mail")
    passes_until(pair, lambda: in_sync(pair, 0))
    assert len(rescues(pair, pair.beta)) == 1
