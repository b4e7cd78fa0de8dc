"""A pair with DRBD 9 that is healthy, cut off, or disconnected by a person."""

from __future__ import annotations

import json

from .vocabulary import NOTHING_LEFT, OPERATOR_NEEDED, Pair9, in_sync

# As connector 1 leaves it with DRBD 8.4, in the boot before the kernel module's upgrade.
INCIDENT_OF_8_4 = {
    "version": 1,
    "boot_id": "4c5b6c5e-2f4a-4a55-8f0a-6f5f1d0c8a11",
    "resources": {
        "mail": {
            "connection": "StandAlone",
            "role": "Secondary",
            "in_use": False,
            "since_s": 100.0,
            "attempts": 2,
            "acted": True,
        }
    },
}


def leave_beta_standalone(pair: Pair9) -> None:
    """alpha is active, beta was disconnected by hand."""
    pair.alpha.take_over("mail")
    pair.beta.disconnect("mail")
    pair.beta.wait_for_connection("StandAlone")
    pair.alpha.wait_for_connection("Connecting")


def test_a_healthy_pair_is_silent(pair: Pair9) -> None:
    pair.configure()
    pair.alpha.take_over("mail")

    for node in pair.nodes:
        done = node.run_pass()
        assert (done.exit_status, done.commands) == (NOTHING_LEFT, ())
        assert [done.decision(name) for name in ("mail", "db")] == ["healthy", "healthy"]
        assert node.said_by_a_pass() == ""


def test_a_link_that_was_cut_comes_back_by_itself(pair: Pair9) -> None:
    pair.configure()
    pair.alpha.take_over("mail")
    pair.cut_link()
    for node in pair.nodes:
        node.wait_for_connection("Connecting")
    written = pair.alpha.write(0)

    on_alpha, on_beta = (node.run_pass() for node in pair.nodes)

    assert (on_alpha.decision(), on_alpha.commands) == ("hold", ())
    assert (on_beta.decision(), on_beta.commands) == ("wait", ())
    pair.restore_link()
    pair.wait_all("Connected")
    for node in pair.nodes:
        done = node.run_pass()
        assert (done.exit_status, done.decision(), done.commands) == (NOTHING_LEFT, "healthy", ())
        assert set(written) <= node.on_disk(0)


def test_an_operators_disconnect_is_respected_for_its_time(pair: Pair9) -> None:
    pair.configure({"respect_disconnect": 600})
    leave_beta_standalone(pair)
    written = pair.alpha.write(0)

    early = pair.beta.run_pass()

    assert (early.commands, early.gates()) == ((), ["operator-disconnect"])
    assert early.exit_status == NOTHING_LEFT
    pair.configure({"respect_disconnect": 0})
    late = pair.beta.run_pass()
    assert late.commands == ("connect mail:alpha",)
    pair.wait_all("Connected")
    assert set(written) <= pair.beta.on_disk(0)


def test_a_standby_that_is_read_is_let_be(pair: Pair9) -> None:
    pair.configure()
    pair.beta.mount_read_only(0)
    assert pair.beta.state().role == "Secondary"
    pair.beta.disconnect("mail")
    pair.beta.wait_for_connection("StandAlone")

    done = pair.beta.run_pass()

    assert (done.decision(), done.commands) == ("hold", ())
    assert done.exit_status == OPERATOR_NEEDED
    assert pair.beta.connection() == "StandAlone"
    pair.beta.umount(0)
    assert pair.beta.run_pass().commands == ("connect mail:alpha",)
    pair.wait_all("Connected")


def test_what_was_remembered_on_8_4_still_counts(pair: Pair9) -> None:
    pair.configure({"max_attempts": 2})
    leave_beta_standalone(pair)
    pair.beta.remember("incidents.json", json.dumps(INCIDENT_OF_8_4))

    done = pair.beta.run_pass()

    assert (done.commands, done.gates()) == ((), ["attempts"])
    assert done.exit_status == OPERATOR_NEEDED
    pair.beta.connect("mail")
    pair.wait_all("Connected")
    assert pair.beta.run_pass().exit_status == NOTHING_LEFT
    assert in_sync(pair)
    assert pair.beta.remembered("incidents.json") == ""
