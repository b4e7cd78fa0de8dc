"""Everything that a person is shown before a decision, read and put into lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connector.memory import history
from connector.model import ESTABLISHED, Resource
from connector.observe import kernel_log
from connector.recover import recommend as recommending
from connector.recover import times as timing
from connector.recover.peer import PeerView, checked, fetch, fetch_configured
from connector.recover.recommend import Recommendation, recommend
from connector.recover.view import peer_lines, view_lines
from connector.report.past_incidents import Incident, incidents
from connector.settings import Settings
from connector.world import World


@dataclass(frozen=True, slots=True)
class BothNodes:
    """The resource here, the other node's view where one was asked for, and the recommendation."""

    resource: Resource
    view: PeerView | None
    recommendation: Recommendation | None

    @property
    def peer(self) -> Resource | None:
        """The other node's resource; None where it is not known."""
        return self.view.resource if self.view else None


def both_nodes(
    world: World, settings: Settings, resource: Resource, source: str | None
) -> BothNodes:
    """This node's resource beside what `source` (the value of --peer) says of the other.

    Without a source the peer of the configuration is asked, where the nodes are apart.

    Raises:
        UsageError: as `fetch`.
    """
    told = None
    if source is not None:
        told = fetch(world, source, settings.recover)
    elif resource.connection not in ESTABLISHED:
        told = fetch_configured(world, settings.recover)
    view = None if told is None else checked(told, resource, world.host)
    found = recommend(resource, view.resource if view else None)
    return BothNodes(resource, view, found)


def lines(world: World, settings: Settings, both: BothNodes) -> Iterator[str]:
    """Both nodes, when it was, and who should give its changes up."""
    resource = both.resource
    yield from view_lines(resource)
    if resource.connection in ESTABLISHED:
        return
    yield from _when(world, settings, resource)
    yield from peer_lines(both.view)
    yield from recommending.lines(both.recommendation)


def _when(world: World, settings: Settings, resource: Resource) -> Iterator[str]:
    """The times that are known; nothing of what cannot be read, which is told elsewhere."""
    try:
        records = kernel_log.parse_records(kernel_log.read(world.root))
    except OSError:
        records = ()
    of_minor = {volume.minor: resource.name for volume in resource.volumes}
    ahead_s = world.clock.wall_s() - world.clock.log_s()
    found = timing.times(records, resource.name, of_minor, resource.peer)
    yield from timing.lines(found, ahead_s, _newest_incident(world, settings, resource.name))


def _newest_incident(world: World, settings: Settings, name: str) -> Incident | None:
    try:
        kept = history.parse(history.read(settings.journal_file))
    except OSError:
        return None
    past = incidents(kept.entries, name, now_wall_s=world.clock.wall_s())
    return past[-1] if past else None
