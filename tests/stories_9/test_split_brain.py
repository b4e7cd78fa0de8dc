"""A split brain with DRBD 9: left to a person, ended by the victim, and never rehearsed."""

from __future__ import annotations

from .vocabulary import OPERATOR_NEEDED, Pair9, in_sync, passes_until


def beta_standalone(pair: Pair9) -> None:
    """Which side of a refused handshake goes on waiting is a race; this story is about beta."""
    if pair.beta.connection() != "StandAlone":
        pair.beta.disconnect("mail")
        pair.beta.wait_for_connection("StandAlone")


def test_mode_reconnect_leaves_it_to_a_person(pair: Pair9) -> None:
    pair.configure({"mode": "reconnect"})
    pair.split_brain("mail", still_active=["alpha"])
    before = [node.on_disk(0) for node in pair.nodes]

    done = pair.beta.run_pass()

    assert done.commands == ()
    assert done.exit_status == OPERATOR_NEEDED
    if pair.beta.connection() == "StandAlone":
        assert done.gates() == ["mode"]
    # The survivor may shake hands as often as it likes: nobody loses anything by that.
    for _ in range(3):
        for node in pair.nodes:
            again = node.run_pass()
            assert again.exit_status == OPERATOR_NEEDED
            assert not any("discard" in command for command in again.commands)
        pair.let_time_pass(3)
    assert all(kept <= node.on_disk(0) for kept, node in zip(before, pair.nodes, strict=True))
    assert not in_sync(pair)


def test_mode_discard_ends_it_and_keeps_what_was_given_up(pair: Pair9) -> None:
    pair.configure({"mode": "discard"})
    pair.split_brain("mail", still_active=["alpha"])
    given_up = pair.beta.on_disk(0) - pair.alpha.on_disk(0)
    assert given_up
    kept = pair.alpha.write(0)

    passes = passes_until(pair, lambda: in_sync(pair))

    commands = [command for one in passes for command in one.commands]
    assert "connect --discard-my-data mail:alpha" in commands
    assert set(commands) <= {
        "connect --discard-my-data mail:alpha",
        "connect mail:alpha",
        "connect mail:beta",
    }
    for node in pair.nodes:
        assert set(kept) <= node.on_disk(0)
        assert not given_up & node.on_disk(0)
    if pair.rescues:
        assert given_up <= pair.beta.rescued(0)


def test_a_rehearsal_is_refused(pair: Pair9) -> None:
    pair.configure({"mode": "discard"})
    pair.split_brain("mail", still_active=["alpha"])
    beta_standalone(pair)
    before = [node.on_disk(0) for node in pair.nodes]

    exit_status, said = pair.beta.rehearse()

    assert exit_status == OPERATOR_NEEDED
    assert "joins diverged data without a resync" in said
    assert pair.beta.connection() == "StandAlone"
    assert [node.on_disk(0) for node in pair.nodes] == before
