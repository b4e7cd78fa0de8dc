"""What can happen to the pair and to connector's surroundings, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from connector.act.lock import pass_lock
from connector.errors import ConnectorError
from connector.memory import pauses
from connector.memory.store import moment
from connector.recover.current import now
from connector.recover.plan import plan
from connector.recover.run import carry_out
from connector.simulate import Refused

from .agent import NEVER, Pass, Trouble
from .facts import NODES

if TYPE_CHECKING:
    from .play import Play
    from .schedule import Happening

Happen = Callable[["Play", "Happening"], None]
BY_HAND = "/mnt/by-hand"
TYPED_S = 30.0
FOLLOW_S = 30.0


def _cut(play: Play, item: Happening) -> None:
    """With a node: what that one sends is lost, and what its peer sends arrives."""
    play.pair.cut_link(item.node or None)


def _mend(play: Play, _: Happening) -> None:
    if not play.pair.state.link_up:
        play.pair.restore_link()


def _flap(play: Play, item: Happening) -> None:
    """So many cuts, a few seconds apart."""
    for _ in range(int(item.number)):
        _cut(play, item)
        play.pair.sleep(2.5)
        _mend(play, item)
        play.pair.sleep(3.5)


def _cut_beats(play: Play, item: Happening) -> None:
    """With a node: the beats of that one only are lost."""
    for node in [item.node] if item.node else NODES:
        play.beats_arrive[node] = False


def _mend_beats(play: Play, _: Happening) -> None:
    play.beats_arrive.update(dict.fromkeys(NODES, True))


def _crash(play: Play, item: Happening) -> None:
    if play.pair.state.nodes[item.node].up:
        play.lose_power(item.node)
        play.pair.crash(item.node)


def _boot(play: Play, item: Happening) -> None:
    _power_on(play, item.node)


def _power_on(play: Play, node: str) -> None:
    if play.pair.state.nodes[node].up:
        return
    try:
        play.pair.boot(node)
    except Refused:
        return  # to boot takes its time, and somebody else has done so meanwhile
    play.begin_node(node)


def _switch(play: Play, item: Happening) -> None:
    """A planned move to `node`: the other one lets go, then this one takes over."""
    service, peer = play.services[item.node], play.services[NODES[item.node == NODES[0]]]
    if not play.pair.state.nodes[item.node].up or not play.pair.state.nodes[peer.node].up:
        return
    service.frozen = peer.frozen = True
    if peer.member.active:
        peer.let_go()
    service.take_over()
    service.frozen = peer.frozen = False


def _sloppy(play: Play, item: Happening) -> None:
    play.services[item.node].sloppy = True


def _release(play: Play, item: Happening) -> None:
    """Somebody stops the service, as `hb_standby` does; the peer takes over when it notices."""
    if play.services[item.node].member.active:
        play.services[item.node].let_go()


def _stop(play: Play, item: Happening) -> None:
    """The cluster manager is stopped on a node, which gives everything up, and nobody takes it."""
    play.services[item.node].frozen = True
    _release(play, item)


def _start(play: Play, item: Happening) -> None:
    play.services[item.node].frozen = False


# Connector's surroundings


def _trouble(kind: str) -> Happen:
    def happen(play: Play, item: Happening) -> None:
        play.agents[item.node].troubles.append(Trouble(kind, item.number))

    return happen


def _dies(play: Play, item: Happening) -> None:
    """The next pass is killed at its so many-th look at a clock or command."""
    play.agents[item.node].dies_at = int(item.number)


def _clock(play: Play, item: Happening) -> None:
    play.agents[item.node].wall_offset_s += item.number


def _no_log(play: Play, item: Happening) -> None:
    shown = play.agents[item.node].shown
    shown.take_log_away()
    play.pair.sleep(item.number)
    shown.give_log_back()


def _garbled(play: Play, item: Happening) -> None:
    shown = play.agents[item.node].shown
    shown.garbled = True
    play.pair.sleep(item.number)
    shown.garbled = False


def _no_state(play: Play, item: Happening) -> None:
    """A file stands where connector keeps its memory."""
    folder = play.agents[item.node].settings.run.state_dir
    aside = folder.with_name("state-aside")
    if not folder.is_dir() or aside.exists():
        return
    folder.rename(aside)
    folder.write_bytes(b"")
    play.agents[item.node].no_state_since_s = play.pair.state.now_s
    play.pair.sleep(item.number)
    folder.unlink()
    aside.rename(folder)


def _second_pass(play: Play, item: Happening) -> None:
    """Somebody starts a pass by hand, beside cron's."""
    if play.pair.state.nodes[item.node].up:
        play.hub.begin(f"pass {item.node}", item.node, lambda: play.run_pass(item.node), looks=True)


# What people type


def _typed(*words: str) -> Happen:
    def happen(play: Play, item: Happening) -> None:
        argv = ("drbdadm", *words, item.resource)
        if play.pair.run_on(item.node)(argv, TYPED_S).exit_status == 0:
            play.witness.typed(item.node, argv)

    return happen


def _mount(play: Play, item: Happening) -> None:
    with suppress(Refused):
        play.pair.mount(item.node, item.resource, BY_HAND)


def _umount(play: Play, item: Happening) -> None:
    with suppress(Refused):
        play.pair.umount(item.node, item.resource, BY_HAND)


def _pause(play: Play, item: Happening) -> None:
    agent = play.agents[item.node]
    at = moment(agent.world(Pass(item.node, play.pair.state.now_s), play.witness))
    pause = pauses.Pause(
        reason="maintenance",
        since_wall_s=at.wall_s,
        until_wall_s=at.wall_s + item.number,
        until_boot_s=at.boot_s + item.number,
        boot_id=at.boot_id,
    )
    with suppress(OSError):
        pauses.save(agent.settings.pauses_file, {item.resource: pause})


def _recover(play: Play, item: Happening) -> None:
    """`connector recover RESOURCE --yes`, with the plan that it makes by itself."""
    agent = play.agents[item.node]
    found = Pass(item.node, play.pair.state.now_s, person=True)
    world = agent.world(found, play.witness)
    play.witness.pass_began(found)
    try:
        with pass_lock(agent.settings.run.lock):
            planned = plan(now(world, agent.settings, item.resource), discard=None)
            carry_out(world, agent.settings, planned, FOLLOW_S)
    except ConnectorError as error:
        found.error = error
    finally:
        found.ended_s = play.pair.state.now_s
        play.witness.pass_ended(found)


def _quiet(play: Play, item: Happening) -> None:
    """Whatever was broken is mended, and people keep their hands off; connector has its time."""
    for node in NODES:
        agent, service = play.agents[node], play.services[node]
        agent.troubles.clear()
        agent.dies_at = NEVER
        service.frozen = service.sloppy = False
        with suppress(OSError):
            agent.settings.pauses_file.unlink(missing_ok=True)
        for resource in play.schedule.setup.resources:
            for volume in range(len(resource.minors)):
                with suppress(Refused):
                    play.pair.umount(node, resource.name, BY_HAND, volume)
    _mend_beats(play, item)
    _mend(play, item)
    for node in NODES:
        _power_on(play, node)


HAPPENINGS: Mapping[str, Happen] = {
    "cut": _cut,
    "mend": _mend,
    "flap": _flap,
    "cut beats": _cut_beats,
    "mend beats": _mend_beats,
    "crash": _crash,
    "boot": _boot,
    "switch": _switch,
    "sloppy": _sloppy,
    "release": _release,
    "stop": _stop,
    "start": _start,
    "drbdadm slow": _trouble("slow"),
    "drbdadm busy": _trouble("busy"),
    "drbdadm hangs": _trouble("hang"),
    "drbdadm late": _trouble("late"),
    "drbdadm crashes": _trouble("crash"),
    "pass dies": _dies,
    "clock jumps": _clock,
    "no log": _no_log,
    "garbled": _garbled,
    "no state": _no_state,
    "second pass": _second_pass,
    "type disconnect": _typed("disconnect"),
    "type connect": _typed("connect"),
    "type discard": _typed("connect", "--discard-my-data"),
    "type primary": _typed("primary"),
    "type secondary": _typed("secondary"),
    "type mount": _mount,
    "type umount": _umount,
    "type pause": _pause,
    "type recover": _recover,
    "quiet": _quiet,
}
