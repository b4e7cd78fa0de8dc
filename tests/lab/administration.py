"""What a person or a cluster manager does on a node, in DRBD's words, whatever node it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

MINORS: Mapping[str, tuple[int, ...]] = {"mail": (0,), "db": (1, 2)}


class Administered(ABC):
    """A node with the commands that are made of `drbdadm`, `mount` and `umount`."""

    @abstractmethod
    def drbdadm(self, arguments: str) -> object:
        """Run drbdadm as a person. Raises where it fails."""

    @abstractmethod
    def mount(self, minor: int = 0) -> str:
        """Mount the minor and return the mount point."""

    @abstractmethod
    def umount(self, minor: int = 0) -> None:
        """Unmount the minor."""

    def primary(self, resource: str = "mail") -> None:
        """Make the resource Primary here."""
        self.drbdadm(f"primary {resource}")

    def secondary(self, resource: str = "mail") -> None:
        """Make the resource Secondary here."""
        self.drbdadm(f"secondary {resource}")

    def connect(self, resource: str = "mail", *, discard_my_data: bool = False) -> None:
        """Connect the resource; the handshake comes later."""
        option = "--discard-my-data " if discard_my_data else ""
        self.drbdadm(f"connect {option}{resource}")

    def disconnect(self, resource: str = "mail") -> None:
        """Disconnect the resource, as an operator would."""
        self.drbdadm(f"disconnect {resource}")

    def take_over(self, resource: str = "mail") -> None:
        """Become Primary and mount every volume, as a cluster manager does."""
        self.primary(resource)
        for minor in MINORS[resource]:
            self.mount(minor)

    def let_go(self, resource: str = "mail") -> None:
        """Unmount every volume and become Secondary; the reverse of `take_over`."""
        for minor in MINORS[resource]:
            self.umount(minor)
        self.secondary(resource)


def default_mountpoint(minor: int) -> str:
    """Return where `mount` puts a minor when it is not told: /mnt/mail, /mnt/db-0, /mnt/db-1."""
    resource, volume = volume_of(minor)
    return f"/mnt/{resource}" + (f"-{volume}" if len(MINORS[resource]) > 1 else "")


def volume_of(minor: int) -> tuple[str, int]:
    """Return the resource that a minor belongs to, and its place there."""
    for resource, minors in MINORS.items():
        if minor in minors:
            return resource, minors.index(minor)
    raise ValueError(f"no resource has minor {minor}")
