"""One hierarchy of errors; each class owns its exit status (the list in docs/exit-codes.md)."""

from __future__ import annotations


class ConnectorError(Exception):
    """Base: something went wrong that a person should read about. Exit status 1."""

    exit_status = 1


class UsageError(ConnectorError):
    """The command line asks for something that does not exist. Exit status 2."""

    exit_status = 2


class OperatorNeeded(ConnectorError):
    """Only a person can go on from here. Exit status 3."""

    exit_status = 3


class NotKept(ConnectorError):
    """What would be given up cannot be kept first: why, and what to do. Exit status 1."""


class NoDrbd(ConnectorError):
    """There is no DRBD here, or a version that is not supported. Exit status 69."""

    exit_status = 69


class LockHeld(ConnectorError):
    """Another pass is at work. Exit status 75."""

    exit_status = 75


class NotPermitted(ConnectorError):
    """Not allowed to read or write what is needed. Exit status 77."""

    exit_status = 77


class ConfigurationError(ConnectorError):
    """connector.toml or a CONNECTOR_* variable is wrong. Exit status 78."""

    exit_status = 78


class PassTimedOut(ConnectorError):
    """The pass reached its deadline and was ended. Exit status 1."""


class Interrupted(ConnectorError):
    """A signal asked the pass to end. Exit status 128 + the signal's number."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"ended by signal {signal_number}")
        self.exit_status = 128 + signal_number
