"""Which names of resources and peers are handed to drbdadm. Pure."""

from __future__ import annotations

import re

# What drbd.conf takes without quotes (drbdadm_scanner.fl), less "/", which drbdadm reads as
# RESOURCE/VOLUME. Quoted, drbd.conf takes any character; such a name is not acted upon.
_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,127}", re.ASCII)

# On DRBD 9 the kernel log is understood with such a name, whose bytes it escapes; drbdadm and
# drbdsetup 9.22 take it as it is (tried with `drbdadm -d connect`).
_NAME_IN_ANY_SCRIPT = re.compile(r"[\w.][\w.-]{0,127}")

# drbdadm finds a resource by its minor under this name, so that a name that does not exist would
# mean another resource (measured: `drbdadm -d connect minor-0` is `connect mail`).
_BY_MINOR = re.compile(r"minor-\d+", re.ASCII)


def why_not(resource: str, *, any_script: bool = False) -> str | None:
    """Why a resource of this name is never handed to drbdadm; None where it may be.

    With `any_script` letters and digits of any script are taken: that is for DRBD 9.
    """
    if not (_NAME_IN_ANY_SCRIPT if any_script else _NAME).fullmatch(resource):
        return (
            f"the resource name {resource!r} is not handed to drbdadm: only letters, digits and"
            " '_', '.', '-' (not first) are"
        )
    if resource == "all" or _BY_MINOR.fullmatch(resource):
        return (
            f"the resource name {resource!r} is not handed to drbdadm:"
            " it means other resources to it"
        )
    return None


def why_not_peer(peer: str) -> str | None:
    """Why a peer of this name is never handed to drbdadm (RESOURCE:PEER); None where it may be."""
    if _NAME_IN_ANY_SCRIPT.fullmatch(peer):
        return None
    return (
        f"the peer's name {peer!r} is not handed to drbdadm: only letters, digits and"
        " '_', '.', '-' (not first) are"
    )
