"""Whether the folders to mount on are there, looked at before anything is promoted."""

from __future__ import annotations

import os
from collections.abc import Iterable

from connector.errors import ConnectorError
from connector.model.step import Step, StepKind


def must_be_there(steps: Iterable[Step]) -> None:
    """Return where each mount has its folder, under its real name.

    The kernel lists a mount under its real name, and so it would not be found again under another.

    Raises:
        ConnectorError: a folder is missing, or a link leads to it.
    """
    mounts = [step for step in steps if step.kind is StepKind.MOUNT]
    for step in mounts:
        # Below another mount of the same take-over it only appears with that.
        if any(step.where.startswith(f"{other.where}/") for other in mounts):
            continue
        if not os.path.isdir(step.where):
            raise ConnectorError(
                f"{step.resource}: {step.where} is no folder: make it; nothing was done"
            )
        real = os.path.realpath(step.where)
        if real != step.where:
            raise ConnectorError(
                f"{step.resource}: {step.where} is {real}: write that into the configuration; "
                "nothing was done"
            )
