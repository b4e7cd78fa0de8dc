"""`connector recover --peer`: the other node's own view beside this one's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connector.simulate import story
from tests.cli.stage import Stage

pytestmark = pytest.mark.slow

StageOf = Callable[..., Stage]
RECOVER = ("recover", "mail", "--dry-run")
# What an ssh does that reaches the other node.
SSH = """\
#!/bin/sh
echo "$@" >>{folder}/asked
cat {folder}/alpha.json
exit 3
"""


@pytest.fixture
def split(stage_of: StageOf) -> Stage:
    """A split brain as beta sees it, with alpha's `status --json` in alpha.json."""
    stage = stage_of("split-brain-with-idle-standby")
    seen = Stage(stage.folder / "other", "split-brain-with-idle-standby", "alpha")
    seen.root = stage.pair.root("alpha")
    (stage.folder / "alpha.json").write_text(seen.run("status", "--json").out)
    return stage


def test_a_file_that_was_made_on_the_other_node(split: Stage) -> None:
    done = split.run(*RECOVER, "--peer", "alpha.json")
    assert (done.status, done.err) == (0, "")
    assert (
        "the other node, as it says itself (alpha.json): StandAlone, Primary, in use by /mnt/mail\n"
        in done.out
    )
    assert "  - the other node is in use, by /mnt/mail; this one is not\n" in done.out


def test_over_ssh(split: Stage) -> None:
    split.program("ssh", SSH.format(folder=split.folder))
    done = split.run(*RECOVER, "--peer", "ssh:alpha")
    assert (done.status, done.err) == (0, "")
    assert "as it says itself (ssh:alpha): StandAlone, Primary, in use by /mnt/mail" in done.out
    asked = (split.folder / "asked").read_text()
    assert asked == "-oBatchMode=yes -oConnectTimeout=5 -- alpha connector status --json\n"


def test_from_standard_input_and_then_nobody_can_be_asked(split: Stage) -> None:
    view = (split.folder / "alpha.json").read_bytes()
    done = split.run_fed(view, "recover", "mail", "--peer", "-")
    assert done.status == 2
    assert "as it says itself (standard input): StandAlone, Primary, in use" in done.out
    assert "--yes says it for a script" in done.err


def test_this_nodes_own_view_is_not_taken_for_the_others(split: Stage) -> None:
    (split.folder / "own.json").write_text(split.run("status", "--json").out)
    done = split.run(*RECOVER, "--peer", "own.json")
    assert (done.status, done.err) == (0, "")
    assert "its view is NOT USED (own.json): its kernel log is this node's own" in done.out


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "no-such-file",
            "--peer no-such-file: no such file; say ssh:HOST, https://HOST:PORT, a file",
        ),
        ("ssh:-x", "'-x' is no host: say ssh:NAME"),
        ("ssh:localhost", "that is this node: name the other one"),
    ],
)
def test_typing_mistakes(split: Stage, source: str, words: str) -> None:
    done = split.run(*RECOVER, "--peer", source)
    assert (done.status, done.out) == (2, "")
    assert words in done.err


def test_where_neither_is_in_use_any_more_a_person_has_to_say_it(stage_of: StageOf) -> None:
    """By itself beta would give its changes up; alpha's view makes that uncertain."""
    stage = stage_of("split-brain-with-idle-standby")
    with stage.pair.changing() as pair:
        story.service_stops(pair, "alpha", "mail")
    seen = Stage(stage.folder / "other", "split-brain-with-idle-standby", "alpha")
    seen.root = stage.pair.root("alpha")
    (stage.folder / "alpha.json").write_text(seen.run("status", "--json").out)
    assert stage.run(*RECOVER).status == 0
    done = stage.run("recover", "mail", "--yes", "--peer", "alpha.json")
    assert done.status == 3
    assert "who should give its changes up: cannot say\n" in done.out
    assert "mail: it is not certain whose changes should go (see above). Say it" in done.err
    assert stage.calls() == []
    assert stage.run("recover", "mail", "--peer", "alpha.json", "--victim", "here", "--dry-run").out


def test_a_view_that_cannot_be_had_leaves_all_as_without_it(split: Stage) -> None:
    split.program("ssh", "#!/bin/sh\necho 'alpha: No route to host' >&2\nexit 255\n")
    done = split.run(*RECOVER, "--peer", "ssh:alpha")
    assert (done.status, done.err) == (0, "")
    assert "NOT USED (ssh:alpha): exit status 255: alpha: No route to host\n" in done.out
    plain = split.run(*RECOVER)
    assert done.out.splitlines()[-4:] == plain.out.splitlines()[-4:]
