"""Where a setting stands."""

from __future__ import annotations

from connector.doctor.drbd_settings import ResourceSettings
from connector.doctor.reading import Unseen
from connector.doctor.surroundings import Surroundings


def place(resource: ResourceSettings, seen: Surroundings, option: str) -> str | None:
    """FILE:LINE of an option, of the resource where it stands nowhere; None where not known."""
    if isinstance(seen.conf, Unseen):
        return resource.place
    return seen.conf.place_of(option, resource.name) or resource.place


def common(seen: Surroundings, section: str) -> str | None:
    """Where a section of `common` is, or the file that it may be put into; None if not known."""
    if isinstance(seen.conf, Unseen):
        return None
    inside = [one for one in seen.conf.statements if one.path[:1] == ("common",)]
    found = [one.place for one in inside if one.path[1:2] == (section,)]
    return next(iter([*found, *(one.file for one in inside)]), None)
