"""What a look at a node needs on either kernel: names, the kernel log, and owners."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connector.model import ConfiguredResource, Problem
from connector.observe import processes, resources
from connector.settings import Settings
from connector.world import World

# Where LINSTOR's satellite writes the resource files that it owns.
LINSTOR_FOLDER = "/linstor.d/"


def configured_resources(
    world: World, settings: Settings, problems: list[Problem]
) -> Sequence[ConfiguredResource]:
    """What drbdadm says of this host; none, and a problem more, where it says nothing."""
    try:
        return resources.known_resources(
            run=world.run,
            drbdadm=settings.run.drbdadm,
            host=world.host,
            cache_file=settings.resources_file,
            configuration=world.configuration,
            timeout_s=settings.run.command_timeout_s,
        )
    except resources.ResourcesUnknown as error:
        problems.append(Problem(None, f"the resources' names are not known: {error}"))
        return ()


def kernel_log_lines(world: World, problems: list[Problem]) -> tuple[str, ...] | None:
    """The kernel log's raw lines; None, and a problem more, where it cannot be read."""
    # Not on a healthy pass.
    from connector.observe import kernel_log

    try:
        return tuple(kernel_log.read(world.root))
    except OSError as error:
        problems.append(Problem(None, f"the kernel log cannot be read: {error.strerror}"))
        return None


def owners(world: World, configured: Sequence[ConfiguredResource]) -> Callable[[str], str | None]:
    """Who owns a resource, by its name: a cluster manager on this node, or LINSTOR; or None."""
    running = processes.cluster_owner(world.root)
    linstor = {item.name for item in configured if LINSTOR_FOLDER in (item.file or "")}
    return lambda name: "LINSTOR" if name in linstor else running
