"""What a pass of the watch tells, on the simulated pair."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from connector.act.lock import pass_lock
from connector.watch.pass_process import Told
from connector.watch.schedule import Ended
from connector.watch.work import work
from tests.act.programs import python
from tests.agents import Agents


def told_on(agents: Agents, node: str) -> Told:
    told = work(agents.world(node), agents.settings[node])
    # It goes through a pipe.
    again = json.loads(json.dumps(asdict(told)))
    assert Told(**{**again, "ended": Ended(**again["ended"])}) == told
    return told


def test_a_healthy_node(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    for node in ("alpha", "beta"):
        told = told_on(agents, node)
        assert replace(told, duration_s=0) == Told(exit_status=0)


def test_a_pass_that_acted(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    agents.pair.run_on("beta")(("drbdadm", "disconnect", "mail"), 15)
    told = told_on(agents, "beta")
    assert replace(told, duration_s=0) == Told(
        exit_status=0,
        ended=Ended(acted=True, healthy=False),
        eventful=True,
        resources=[
            {
                "name": "mail",
                "was": "StandAlone",
                "is": "WFBitMapT",
                "decision": "reconnect-standby",
                "gates": [],
                "commands": ["drbdadm connect mail"],
                "outcome": "reconnected",
                "needs_operator": False,
            }
        ],
    )
    agents.pair.sleep(60)
    assert replace(told_on(agents, "beta"), duration_s=0) == Told(exit_status=0)


def test_a_gate_that_time_opens_is_looked_at_again(tmp_path: Path) -> None:
    agents = Agents(tmp_path, demote_grace_s=120)
    agents.pair.cut_link()
    agents.pair.sleep(10)
    agents.stop_service("alpha")
    told = told_on(agents, "alpha")
    assert told.ended == Ended(acted=False, healthy=False, look_again=True)
    assert told.resources[0]["gates"] == ["grace"]
    assert told.resources[0]["commands"] == []


def test_one_that_waits_for_its_peer_does_not_stay_to_see_it(tmp_path: Path) -> None:
    """DRBD tells when it comes."""
    agents = Agents(tmp_path)
    agents.pair.cut_link()
    agents.pair.sleep(10)
    before_s = agents.pair.state.now_s
    told = told_on(agents, "beta")
    assert agents.pair.state.now_s - before_s < 1
    assert told.ended == Ended(acted=False, healthy=False)
    assert told.resources[0]["is"] == "WFConnection"


def test_where_the_lock_is_taken_it_says_nothing_and_is_made_up_for(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    agents.pair.run_on("beta")(("drbdadm", "disconnect", "mail"), 15)
    with pass_lock(agents.settings["beta"].run.lock):
        told = told_on(agents, "beta")
    assert told == Told(exit_status=75, ended=Ended(healthy=False, look_again=True))
    assert agents.settings["beta"].contended_file.stat().st_size == 1
    assert agents.commands["beta"] == []


def test_what_a_pass_cannot_is_told_with_its_exit_status(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    world = replace(agents.world("beta"), root=tmp_path / "nothing")
    told = work(world, agents.settings["beta"])
    assert (told.exit_status, told.eventful) == (69, True)
    assert told.ended == Ended(acted=False, healthy=False)
    (message,) = told.messages
    assert "proc/drbd does not exist" in message


def test_what_is_no_error_of_ours_is_for_the_process_to_tell(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    agents.pair.run_on("beta")(("drbdadm", "disconnect", "mail"), 15)

    def broken(_argv: object, _timeout_s: float) -> None:
        raise ZeroDivisionError

    agents.answer_first("beta", broken)
    with pytest.raises(ZeroDivisionError):
        work(agents.world("beta"), agents.settings["beta"])


ACTS = (
    "from dataclasses import replace",
    "from pathlib import Path",
    "from tests.agents import Agents",
    "from connector.model import Mode",
    "import connector.cli.watch",
    "from connector.watch import work",
    "work.load_all()",
    "folder = Path(sys.argv[1])",
    "agents = Agents(folder, mode=Mode.DISCARD)",
    "for node, settings in agents.settings.items():",
    "    agents.settings[node] = replace(settings, textfile=folder / f'{node}.prom')",
    "agents.split()",
    "agents.stop_service('beta')",
    "loaded = set(sys.modules)",
    "for _ in range(4):",
    "    for node in ('beta', 'alpha'):",
    "        work.work(agents.world(node), agents.settings[node])",
    "    agents.pair.sleep(60)",
    "print(agents.connections(), sorted(set(sys.modules) - loaded))",
)


def test_a_pass_that_acts_has_all_it_needs_from_before_the_fork(tmp_path: Path) -> None:
    done = subprocess.run(
        [*python(*ACTS), str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "('Connected', 'Connected') []\n"
