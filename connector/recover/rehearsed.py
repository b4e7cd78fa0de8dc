"""What DRBD said that it would do, out of the kernel's lines, and in a person's words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connector.model import Cause, Resource
from connector.observe.evidence import gather
from connector.observe.kernel_log import LogRecord
from connector.recover.recommend import Victim

# block drbd0: dry-run connect: Would become SyncTarget, doing a bit-map based resync.
# block drbd0: dry-run connect: No resync, would become Connected immediately.
_WOULD = re.compile(
    r"(?:block drbd(\d{1,7})|drbd [^\s:/]+/\d+ drbd(\d{1,7})): dry-run connect: (?:"
    r"Would become (SyncSource|SyncTarget), doing a (bit-map based|full) resync|"
    r"(No resync), would become Connected)",
    re.ASCII,
)
_AUTOMATICALLY = re.compile(
    r"block drbd\d+: Split-Brain detected, \d primaries, automatically solved"
)
# block drbd0: peer 8EC43CD85FFBFB4E:… bits:16 flags:1          (bit 0: it asks to discard)
_PEER = re.compile(
    r"block drbd\d+: peer [0-9A-F]{16}(?::[0-9A-F]{16}){3} bits:\d+ flags:([0-9A-F])"
)
_HANDSHAKE = "drbd_sync_handshake:"


@dataclass(frozen=True, slots=True)
class Answer:
    """What DRBD said it would do. `sync` is this node's part in a resync, None for no resync.

    `refused` says why it would connect no more than now. With neither `met` nor `refused` the
    nodes did not meet. `by_policy`: DRBD's own policy would choose the victim.
    """

    met: bool = False
    minor: int | None = None
    sync: str | None = None
    full: bool = False
    refused: Cause | None = None
    by_policy: bool = False
    peer_asked_to_discard: bool = False

    def against(self, victim: Victim | None) -> bool:
        """Whether the resync would go the other way than the person wants it."""
        wrong = {Victim.HERE: "SyncSource", Victim.PEER: "SyncTarget"}
        return victim is not None and self.sync == wrong[victim]

    def as_planned(self, victim: Victim | None) -> bool:
        """Whether the nodes would come together, and nobody would lose who should not."""
        joins = self.met and self.refused is None and not self.by_policy
        return joins and not self.against(victim)


def answer_in(records: Sequence[LogRecord], name: str, of_minor: Mapping[int, str]) -> Answer:
    """What the kernel's lines since the command say; pure."""
    asked = by_policy = False
    for record in records:
        if _HANDSHAKE in record.text:
            asked = by_policy = False
        elif peer := _PEER.match(record.text):
            asked = bool(int(peer[1], 16) & 1)
        elif _AUTOMATICALLY.match(record.text):
            by_policy = True
        elif (would := _WOULD.match(record.text)) and of_minor.get(_minor(would)) == name:
            return Answer(
                met=True,
                minor=_minor(would),
                sync=would[3],
                full=would[4] == "full",
                by_policy=by_policy,
                peer_asked_to_discard=asked,
            )
    told = gather(records, of_minor).get(name)
    if told is not None and told.cause is not None:
        return Answer(met=True, refused=told.cause, peer_asked_to_discard=asked)
    return Answer()


def _minor(would: re.Match[str]) -> int:
    return int(would[1] or would[2])


def lines(
    found: Answer, resource: Resource, victim: Victim | None, *, waited_s: float
) -> list[str]:
    """The answer in words; `victim` is who should give the changes up.

    `waited_s` is for how long the other node was waited for.
    """
    name = resource.name
    text = [_said(found, name, waited_s)]
    if found.by_policy:
        text.append("  DRBD's own after-sb policy would choose whose changes go")
    if found.against(victim):
        text.append(f"  that is NOT what --victim {victim} should do: go no further")
    if found.met and len(resource.volumes) > 1:
        where = "" if found.minor is None else f" (minor {found.minor})"
        text.append(f"  DRBD stops at the first volume{where}: of the others it says nothing")
    if found.peer_asked_to_discard:
        text.append(
            "  the other node asked to give its changes up, and the rehearsal has used that up: "
            "there `drbdadm disconnect` and the same command again"
        )
    text.append(f"  {name} is StandAlone here as before; nothing was changed on the disks")
    return text


def _said(found: Answer, name: str, waited_s: float) -> str:
    what = f"rehearsal of {name}: "
    if found.refused is Cause.SPLIT_BRAIN:
        return (
            f"{what}DRBD would refuse (split brain) and the nodes would stay apart: one of them "
            "must give its changes up"
        )
    if found.refused is not None:
        return f"{what}DRBD would refuse: {found.refused}"
    if not found.met:
        return (
            f"{what}no answer in {waited_s:.0f} s. The other node must wait for this one: there "
            f"`drbdadm connect {name}` (if it is StandAlone), then this again"
        )
    if found.sync is None:
        return f"{what}no resync, the nodes would be Connected at once: the disks are equal"
    amount = "all blocks" if found.full else "the blocks that differ"
    if found.sync == "SyncTarget":
        return (
            f"{what}this node would become SyncTarget: {amount} would be overwritten HERE with the "
            "other node's"
        )
    return (
        f"{what}this node would become SyncSource: {amount} would be overwritten on the OTHER "
        "node with this one's"
    )
