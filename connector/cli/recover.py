"""connector recover: a person's recovery of one resource."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import click

from connector.cli.lock import lock_for_a_person
from connector.cli.node import this_world
from connector.cli.options import Setup, connector_command, duration_s
from connector.errors import OperatorNeeded, UsageError
from connector.model import OutcomeKind, Resource
from connector.observe.processes import processes_using
from connector.recover import look, rehearse, rehearsed
from connector.recover.current import now
from connector.recover.look import BothNodes, both_nodes
from connector.recover.plan import Plan, lines, plan
from connector.recover.progress import RESYNC
from connector.recover.recommend import Victim, against
from connector.recover.run import carry_out
from connector.settings import Settings
from connector.world import World

SETTLE_S = 30.0
NO_LONGER_FOLLOWED = 130


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the command line says. `discard` as for `plan`; `follow_for_s` None: not at all."""

    discard: bool | None
    yes: bool
    dry_run: bool
    rehearse: bool
    follow_for_s: int | None


@connector_command("recover")
@click.argument("resource")
@click.option(
    "--victim",
    type=click.Choice([str(victim) for victim in Victim]),
    help="Whose changes go: of this node (here) or of the other one (peer).",
)
@click.option(
    "--discard-my-data/--keep-my-data",
    "discard",
    default=None,
    help="The same in DRBD's words: --victim here, --victim peer.",
)
@click.option(
    "--peer",
    metavar="SOURCE",
    help="The other node's view: ssh:HOST, its exporter's https://HOST:PORT (or http://), a FILE "
    "with its `status --json`, or -. Without it as [recover] peer in the configuration says.",
)
@click.option(
    "--rehearse", is_flag=True, help="Only ask DRBD what it would do, and change nothing."
)
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@click.option("--dry-run", is_flag=True, help="Show what is seen and the plan; change nothing.")
@click.option("--no-follow", is_flag=True, help="Do not wait for the end of the resync.")
@click.option(
    "--follow-for",
    "follow_for_s",
    default="12h",
    show_default=True,
    callback=duration_s,
    metavar="TIME",
    help="Follow the resync for so long at the most (90s, 30m, 2h, 1d).",
)
def command(
    setup: Setup,
    resource: str,
    victim: str | None,
    discard: bool | None,
    peer: str | None,
    rehearse: bool,
    yes: bool,
    dry_run: bool,
    no_follow: bool,
    follow_for_s: int,
) -> int:
    """Bring RESOURCE together again by a person's word.

    Shows both nodes as far as they are known, who should give its changes up and why, the commands
    for both nodes in their order, and what would be lost. Asks for the resource's name to be
    typed, does this node's part, and follows the resync to its end.

    Gives nothing up that is in use. Can be stopped and run again at any point.
    """
    word = _word(victim, discard)
    if rehearse and dry_run:
        raise UsageError("--rehearse shakes hands with the other node, --dry-run does nothing")
    wish = _Wish(word, yes, dry_run, rehearse, None if no_follow else follow_for_s)
    settings, world = setup.settings(), this_world(setup.root)
    seen = now(world, settings, resource)
    both = both_nodes(world, settings, seen, peer)
    for line in look.lines(world, settings, both):
        click.echo(line)
    if seen.connection in RESYNC and not dry_run:
        click.echo(f"{seen.name} is {seen.connection}: nothing to recover, the resync runs")
        return _follow(setup, world, seen, wish)
    return _by_plan(setup, world, settings, both, wish)


def _word(victim: str | None, discard: bool | None) -> bool | None:
    """Both options say the same thing."""
    said = None if victim is None else victim == Victim.HERE
    if None not in (said, discard) and said != discard:
        other = "--discard-my-data" if discard else "--keep-my-data"
        raise UsageError(f"--victim {victim} and {other} contradict each other: say one of them")
    return discard if said is None else said


def _by_plan(setup: Setup, world: World, settings: Settings, both: BothNodes, wish: _Wish) -> int:
    found = _plan(both, wish.discard, world)
    for line in lines(found):
        click.echo(line)
    if warning := against(both.recommendation, wish.discard):
        click.echo(warning)
    if wish.rehearse:
        return _rehearse(world, settings, found, wish.discard)
    if found.actions and rehearse.forbidden(both.resource, discard=found.discards) is None:
        click.echo(f"to ask DRBD first what it would do: {_rehearsal(found)}")
    if wish.dry_run or not found.actions:
        return 0
    if not wish.yes:
        _ask(found)
    with lock_for_a_person(settings, world):
        together = _carry_out(world, settings, found)
    if together:
        return _follow(setup, world, both.resource, wish)
    return OperatorNeeded.exit_status


def _plan(both: BothNodes, discard: bool | None, world: World) -> Plan:
    seen, recommended = both.resource, both.recommendation
    try:
        found = plan(seen, discard=discard, peer=both.peer)
    except OperatorNeeded:
        if seen.in_use:
            _say_who(seen, world)
        raise
    doubtful = recommended is not None and recommended.victim is not Victim.HERE
    if found.discards and discard is None and doubtful:
        raise OperatorNeeded(
            f"{seen.name}: it is not certain whose changes should go (see above). Say it: --victim "
            "here on the node that gives its changes up, --victim peer on the other"
        )
    return found


def _say_who(seen: Resource, world: World) -> None:
    """By what it is in use, and which processes that are."""
    users = sorted({use.where for volume in seen.volumes for use in volume.used_by or ()})
    click.echo(f"connector: {seen.name} is in use by {', '.join(users)}", err=True)
    for user in processes_using(world.root, [volume.minor for volume in seen.volumes]):
        click.echo(f"connector:   process {user.pid} ({user.name}): {user.what}", err=True)


def _rehearse(world: World, settings: Settings, found: Plan, discard: bool | None) -> int:
    """Nothing but the question and DRBD's answer."""
    if not found.actions:
        raise OperatorNeeded(f"{found.resource}: nothing to rehearse, since nothing is to be done")
    victim = Victim.HERE if found.discards else Victim.PEER if discard is False else None
    with lock_for_a_person(settings, world):
        seen = now(world, settings, found.resource)
        click.echo(
            "rehearsal: the other node must wait for this one (WFConnection). If it is StandAlone, "
            f"type there now: drbdadm connect {found.resource}"
        )
        answer = rehearse.rehearse(world, settings, seen, discard=found.discards)
    waited_s = rehearse.wait_s(settings)
    for line in rehearsed.lines(answer, seen, victim, waited_s=waited_s):
        click.echo(line)
    return 0 if answer.as_planned(victim) else OperatorNeeded.exit_status


def _rehearsal(found: Plan) -> str:
    """The command line that rehearses the plan."""
    victim = " --victim here" if found.discards else ""
    return f"connector recover {found.resource}{victim} --rehearse"


def _ask(found: Plan) -> None:
    """The name typed in full is the person's word."""
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to ask: --yes says it for a script; nothing was done")
    typed = click.prompt(
        f"Type the resource's name ({found.resource}) to do this", default="", show_default=False
    )
    if typed != found.resource:
        raise UsageError(f"{typed!r} is not {found.resource!r}; nothing was done")


def _carry_out(world: World, settings: Settings, found: Plan) -> bool:
    """This node's part; whether the nodes have met by then."""
    outcome = carry_out(world, settings, found, SETTLE_S)
    for result in outcome.commands:
        click.echo(f"ran: {' '.join(result.argv)}")
    if outcome.rescue:
        click.echo(f"kept first: rescue {outcome.rescue}")
    click.echo(f"{found.resource}: {outcome.kind}: {outcome.detail}")
    if outcome.kind is OutcomeKind.RECONNECTED:
        return True
    if found.peer_commands:
        click.echo("still to be done on the other node:")
        for line in found.peer_commands:
            click.echo(f"    {line}")
    return False


def _follow(setup: Setup, world: World, seen: Resource, wish: _Wish) -> int:
    """To the resync's end, without the lock: passes go on meanwhile."""
    if wish.follow_for_s is None:
        return 0
    # Not needed before, and slow to import on a terminal.
    from connector.recover import bar
    from connector.recover.follow import devices_of, follow

    devices, limit_s = devices_of(world, setup.settings(), seen), float(wish.follow_for_s)
    try:
        if sys.stdout.isatty():
            with bar.bar(color=setup.color) as show:
                ended = follow(devices, world.clock, show, seen.name, limit_s)
        else:
            show = bar.lines(world.clock, click.echo)
            ended = follow(devices, world.clock, show, seen.name, limit_s)
    except KeyboardInterrupt:
        click.echo(
            f"\nconnector: no longer followed. The resync itself goes on; `connector recover "
            f"{seen.name}` follows it again",
            err=True,
        )
        return NO_LONGER_FOLLOWED
    click.echo(ended.sentence)
    return OperatorNeeded.exit_status if ended.needs_operator else 0
