"""Take-overs, releases and passes in any order, some of them killed: it always ends well."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.errors import ConnectorError
from connector.model import Role
from tests.takeover.nodes import Killed, Nodes
from tests.takeover.test_killed import killing_at

pytestmark = pytest.mark.slow

CALLS = ("take_over", "release", "run_pass", "cut", "back")
Call = tuple[str, str, int | None]

calls = st.tuples(
    st.sampled_from(CALLS),
    st.sampled_from(("alpha", "beta")),
    st.one_of(st.none(), st.integers(0, 5)),
)


def _call(nodes: Nodes, call: Call) -> None:
    what, node, dies_at = call
    if what == "cut":
        nodes.pair.cut_link()
    elif what == "back":
        nodes.pair.restore_link()
    else:
        if dies_at is not None:
            nodes.before = killing_at(dies_at)
        before = len(nodes.lines[node])
        with suppress(ConnectorError, Killed):
            getattr(nodes, what)(node)
        nodes.before = lambda _argv: None
        _hold(nodes, what, node, nodes.lines[node][before:])
    nodes.pair.sleep(5)


def _hold(nodes: Nodes, what: str, node: str, ran: Sequence[str]) -> None:
    """What may never be: a file system that is checked while mounted, or demoted by a pass."""
    mounts = {"/dev/drbd0": nodes.wheres[0], "/dev/drbd1": nodes.wheres[1]}
    mounted: set[str] = set()
    for line in ran:
        words = line.split()
        if words[0].startswith("fsck"):
            assert mounts[words[-1]] not in mounted, ran
        elif words[0] == "mount":
            mounted.add(words[-1])
        elif words[0] == "umount":
            mounted.discard(words[-1])
    if what == "run_pass":
        assert not any(line.startswith(("mount", "umount", "fsck")) for line in ran), ran
        if unfinished(nodes, node):
            assert "drbdadm secondary db" not in ran, ran


def unfinished(nodes: Nodes, node: str) -> bool:
    """Whether the node's note says that a take-over is under way."""
    file = nodes.settings[node].takeover_file
    if not file.exists():
        return False
    text = file.read_text(encoding="utf-8")
    return '"unfinished":true' in text and '"releasing":false' in text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(calls, max_size=10))
def test_any_order_ends_consistent(story: list[Call]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        nodes = Nodes(Path(folder), demote_grace_s=0)
        for call in story:
            _call(nodes, call)
        for node in ("alpha", "beta"):
            nodes.release(node)
            assert nodes.is_passive(node)
            assert not nodes.settings[node].takeover_file.exists()
        # Only where both nodes have written is there a reason not to go on with either of them.
        if nodes.pair.disk("alpha", "db") == nodes.pair.disk("alpha", "db", 1) == "UpToDate":
            nodes.take_over("alpha")
            assert nodes.is_active("alpha")
            assert nodes.pair.role("beta", "db") is Role.SECONDARY
