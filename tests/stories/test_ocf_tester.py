"""The agent for Pacemaker, under the tester of Debian's resource-agents, on real DRBD."""

from __future__ import annotations

import pytest

from tests.lab.drbd_node import CHECKOUT
from tests.lab.loaded import put_connector
from tests.lab.mail.setup import COMMAND, MOUNT, WHERE, install_packages
from tests.lab.pair import Pair

TIMEOUT_S = 240.0


@pytest.mark.soak
@pytest.mark.story_timeout(400)
def test_the_agent_passes_ocf_tester(fresh_pair: Pair) -> None:
    alpha = fresh_pair.alpha
    fresh_pair.configure(more=MOUNT)
    install_packages(alpha)
    put_connector(alpha, COMMAND)
    alpha.run(f"mkdir -p {WHERE}")

    done = alpha.run(
        f"ocf-tester -v -n mail -o resource=mail {CHECKOUT}/contrib/ocf/connector",
        TIMEOUT_S,
        check=False,
    )

    assert done.exit_status == 0, done.stdout + done.stderr
    assert "passed all tests" in done.stdout
    assert (alpha.state().role, alpha.mounted()) == ("Secondary", False)
