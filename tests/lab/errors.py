"""What can go wrong in the laboratory, as opposed to in the program under test."""

from __future__ import annotations


class LabError(Exception):
    """Anything that the laboratory itself could not do."""


class LabUnavailable(LabError):
    """This host cannot run the laboratory; the text says what is missing and what to type."""


class ModulesUnfit(LabError):
    """The modules of DRBD 9 that were named cannot be used; the text says why and what to do."""


class NodeDied(LabError):
    """A machine ended while something was expected of it."""


class CommandFailed(LabError):
    """A command in a node ended with another exit status than 0."""


class CommandTimedOut(LabError):
    """A command in a node did not end within the time it was given."""


class WaitTimedOut(LabError):
    """What a story waited for did not come about in time; the text says what was seen last."""


class StoryTimedOut(LabError):
    """A whole story took longer than it may."""
