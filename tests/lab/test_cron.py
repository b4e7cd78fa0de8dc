"""The laboratory's cron, without a laboratory."""

from __future__ import annotations

import threading
from typing import cast

from tests.lab.cron import MOST_AT_ONCE, Cron
from tests.lab.drbd_node import DrbdNode
from tests.lab.wait import wait_until

MINUTE_S = 0.01


class Node:
    """As much of a node as cron asks for."""

    booted = True


def nodes(*some: Node) -> list[DrbdNode]:
    """They stand in for real ones."""
    return cast("list[DrbdNode]", list(some))


def test_passes_do_not_pile_up_on_a_busy_node_and_the_other_one_goes_on() -> None:
    busy, idle = Node(), Node()
    done = threading.Event()
    begun: list[object] = []

    def job(node: DrbdNode) -> int:
        begun.append(node)
        if cast(object, node) is busy:
            done.wait()
        return 0

    with Cron(nodes(busy, idle), MINUTE_S, job) as cron:
        wait_until(lambda: begun.count(idle) > 10, timeout_s=30, what="ten minutes have gone by")
        assert begun.count(busy) == MOST_AT_ONCE
        done.set()
        wait_until(lambda: begun.count(busy) > 10, timeout_s=30, what="it goes on")
    assert len(cron.exit_statuses) == len(begun)


def test_a_minute_in_which_every_node_is_busy_is_not_over() -> None:
    done = threading.Event()

    def job(node: DrbdNode) -> int:
        done.wait()
        return 0

    with Cron(nodes(Node()), MINUTE_S, job) as cron:
        wait_until(lambda: cron.minutes == MOST_AT_ONCE, timeout_s=30, what="it is busy")
        assert not done.wait(20 * MINUTE_S)
        assert cron.minutes == MOST_AT_ONCE
        done.set()


def test_a_node_without_power_has_no_cron() -> None:
    dark, lit = Node(), Node()
    dark.booted = False
    begun: list[object] = []

    def job(node: DrbdNode) -> int:
        begun.append(node)
        return 0

    with Cron(nodes(dark, lit), MINUTE_S, job):
        wait_until(lambda: len(begun) > 3, timeout_s=30, what="some minutes have gone by")
    assert set(begun) == {lit}
