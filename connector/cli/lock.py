"""The lock of the passes for a command that a person has typed: a pass at work is waited for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from connector.act.lock import lock_within
from connector.settings import Settings
from connector.world import World


@contextmanager
def lock_for_a_person(settings: Settings, world: World) -> Iterator[None]:
    """Hold the lock for the length of the block; a wait for it is said on stderr.

    Raises:
        LockHeld: it was held for all of the setting `wait_for_lock`.
        NotPermitted, ConnectorError: as `pass_lock`.
    """
    wait_s = settings.run.wait_for_lock_s

    def say() -> None:
        click.echo(f"connector: another pass is at work: waiting up to {wait_s:g} s", err=True)

    with lock_within(settings.run.lock, world.clock, wait_s, say):
        yield
