"""Records of the state directory as resources: nothing in them is guessed at. Pure.

A word that is not DRBD's, and whatever else cannot be told for certain, makes a problem, and the
resource doubtful: then the table's last row is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TypeVar

from connector.model import (
    Cause,
    Connection,
    ConnectionState,
    Device,
    DiskState,
    Evidence,
    Generation,
    Handshake,
    Resource,
    Role,
    Use,
    UseKind,
    Volume,
)
from connector.names import why_not
from connector.observe.evidence import gather
from connector.observe.kernel_log import LogRecord
from connector.observe.nine import evidence as evidence_9
from connector.observe.nine.assemble import with_worst
from connector.report.explain.answer import About, Recorded, Seen
from connector.report.explain.said import UNREADABLE, handshakes
from connector.report.explain.schema import (
    ConnectionRecord,
    ConnectionVolumeRecord,
    EvidenceRecord,
    GivenUpRecord,
    ResourceRecord,
    VolumeRecord,
)

SOLVED = "split-brain-solved"
_ROLES = {True: Role.PRIMARY, False: Role.SECONDARY, None: Role.UNKNOWN}
_Word = TypeVar("_Word", bound=StrEnum)


class Converted:
    """A resource out of a record, and what in it could not be told for certain.

    `unknown` holds each word that is not known beside its message.
    """

    def __init__(self) -> None:
        self.unknown: list[tuple[str, str]] = []
        self.doubts: list[str] = []

    def of_pass(self, record: ResourceRecord, at: str | None, line: int | None) -> Seen:
        """An item of `resources` of the journal or of `status --json`."""
        resource = self._of_pass(record)
        told = {About.NAME}
        if "in_use" in record.model_fields_set:
            told.add(About.USE)
            resource = self._with_use(resource, record.in_use)
        if "evidence" in record.model_fields_set:
            told.add(About.EVIDENCE)
        gates = None if record.gates is None else tuple(record.gates)
        recorded = Recorded(at, record.decision, gates, record.reason)
        now_s = max(one.evidence.cause_at_s or 0.0 for one in resource.each)
        return Seen(self._doubted(resource), frozenset(told), line, now_s, recorded)

    def _of_pass(self, record: ResourceRecord) -> Resource:
        """Its resource. On DRBD 9 every connection has what is in doubt of it."""
        evidence = self._evidence(record.evidence)
        nine = self._word(Generation, record.generation, "generation") is Generation.NINE
        if record.decision == "unknown" and not (nine and record.connections):
            self.doubts.append(record.reason or "the pass could not tell")
        resource = self._resource(
            record.name,
            record.connection,
            record.role,
            record.peer_role,
            record.volumes,
            evidence,
            several=nine and bool(record.connections),
            any_script=nine,
        )
        if not nine:
            peers = [item.peer for item in record.connections]
            return replace(resource, peer=peers[0] if len(peers) == 1 else None)
        resource = replace(
            resource,
            generation=Generation.NINE,
            suspended=tuple(record.suspended),
            without_quorum=record.without_quorum,
            force_io_failures=record.force_io_failures,
            connections=tuple(self._connection(item, resource) for item in record.connections),
        )
        return with_worst(resource) if resource.connections else resource

    def _connection(self, record: ConnectionRecord, resource: Resource) -> Connection:
        told = {volume.volume: volume for volume in record.volumes}
        missing = [v for v in resource.volumes if v.volume not in told]
        doubts = ["the record does not have every volume of it"] if missing else []
        if record.peer is None:
            doubts.append("the record does not name the peer")
        if record.decision == "unknown":
            doubts.append(record.reason or "the pass could not tell")
        peer_role = self._word(Role, record.peer_role, "role")
        return Connection(
            record.peer or "?",
            self._word(ConnectionState, record.connection, "connection state"),
            peer_role,
            tuple(
                self._towards(volume, told.get(volume.volume), peer_role)
                for volume in resource.volumes
            ),
            self._evidence(record.evidence),
            tuple(doubts),
        )

    def _towards(
        self, volume: Volume, record: ConnectionVolumeRecord | None, peer_role: Role | None
    ) -> Device | None:
        if record is None or volume.device is None:
            return None
        kib = record.out_of_sync_kib
        return replace(
            volume.device,
            connection=self._word(ConnectionState, record.connection, "connection state"),
            peer_role=peer_role,
            peer_disk=self._word(DiskState, record.peer_disk, "disk state"),
            statistics={} if kib is None else {"oos": kib},
            peer_client=record.peer_client,
        )

    def of_given_up(self, record: GivenUpRecord) -> Seen:
        """A record of given-up/. What the kernel said in it is read as a pass reads it."""
        generation = self._word(Generation, record.generation, "generation")
        evidence = _told(record, generation)
        # On DRBD 9 the identifiers carry what other lines, which are not kept, prove of a role.
        as_kept = generation is Generation.NINE or not evidence.handshakes
        if evidence.cause is not None and as_kept:
            found = tuple(
                Handshake(i.minor, int(i.self_current, 16), int(i.peer_current, 16), 0, 0, 0, 0)
                for i in record.generation_identifiers
            )
            evidence = replace(evidence, handshakes=found)
        resource = self._resource(
            record.resource,
            record.connection,
            record.role,
            None,
            record.volumes,
            evidence,
            any_script=generation is Generation.NINE,
        )
        resource = replace(resource, generation=generation or Generation.EIGHT, peer=record.peer)
        recorded = Recorded(record.at, record.decision, None, record.reason)
        told = frozenset({About.NAME, About.EVIDENCE})
        return Seen(self._doubted(resource), told, recorded=recorded)

    def _resource(
        self,
        name: str,
        connection: str | None,
        role: str | None,
        peer_role: str | None,
        volumes: Sequence[VolumeRecord],
        evidence: Evidence,
        *,
        several: bool = False,
        any_script: bool = False,
    ) -> Resource:
        state = self._word(ConnectionState, connection, "connection state")
        own = self._word(Role, role, "role")
        peer = self._word(Role, peer_role, "role")
        found = tuple(self._volume(volume, state, own, peer) for volume in volumes)
        if state is None and connection is None and not several:
            self.doubts.append("the record does not say the connection state")
        if not found:
            self.doubts.append("the record names no volume")
        if reason := why_not(name, any_script=any_script):
            self.doubts.append(reason)
        return Resource(name, found, state, own, peer, evidence=evidence)

    def _volume(
        self,
        record: VolumeRecord,
        connection: ConnectionState | None,
        role: Role | None,
        peer_role: Role | None,
    ) -> Volume:
        kib = record.out_of_sync_kib
        device = Device(
            record.minor,
            connection,
            role,
            peer_role,
            self._word(DiskState, record.disk, "disk state"),
            self._word(DiskState, record.peer_disk, "disk state"),
            statistics={} if kib is None else {"oos": kib},
            client=record.client,
        )
        used_by = record.used_by
        uses = None if used_by is None else tuple(Use(UseKind.MOUNT, where) for where in used_by)
        return Volume(record.volume, record.minor, device, uses)

    def _with_use(self, resource: Resource, in_use: bool | None) -> Resource:
        """Older records may lack what it is used by: then `in_use` counts, and else they agree."""
        if resource.in_use is in_use:
            return resource
        if any(volume.used_by is not None for volume in resource.volumes):
            self.doubts.append("the record contradicts itself about what is in use")
            return resource
        uses = (Use(UseKind.MOUNT, "not known where"),) if in_use else ()
        volumes = tuple(replace(volume, used_by=uses) for volume in resource.volumes)
        return replace(resource, volumes=volumes)

    def _evidence(self, records: Sequence[EvidenceRecord]) -> Evidence:
        evidence = Evidence()
        for record in records:
            if record.kind == UNREADABLE:
                evidence = Evidence(readable=False)
            elif record.kind == SOLVED:
                continue
            elif cause := self._word(Cause, record.kind, "kind of evidence"):
                own, peer = _ROLES[record.self_was_primary], _ROLES[record.peer_was_primary]
                known = (own, peer) != (Role.UNKNOWN, Role.UNKNOWN)
                found = handshakes((own, peer)) if known else ()
                evidence = Evidence(cause=cause, cause_at_s=record.at_s or 0.0, handshakes=found)
        return evidence

    def _word(self, words: type[_Word], word: str | None, what: str) -> _Word | None:
        """DRBD's word; None, and a doubt, for any other."""
        if word is None:
            return None
        try:
            return words(word)
        except ValueError:
            message = f"unknown {what} {word[:60]!a}"
            self.unknown.append((word, message))
            self.doubts.append(message)
            return None

    def _doubted(self, resource: Resource) -> Resource:
        return replace(resource, doubts=tuple(dict.fromkeys(self.doubts)))


def _told(record: GivenUpRecord, generation: Generation | None) -> Evidence:
    """What the kernel's lines in a record come to."""
    lines = [LogRecord(0.0, text) for text in record.kernel_lines]
    if generation is Generation.NINE:
        return evidence_9.gather(lines).get((record.resource, record.peer or ""), Evidence())
    of_minor = {volume.minor: record.resource for volume in record.volumes}
    return gather(lines, of_minor).get(record.resource, Evidence())
