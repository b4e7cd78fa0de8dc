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
    ConnectionState,
    Device,
    DiskState,
    Evidence,
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
from connector.report.explain.answer import About, Recorded, Seen
from connector.report.explain.said import UNREADABLE, handshakes
from connector.report.explain.schema import (
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
        evidence = self._evidence(record.evidence)
        if record.decision == "unknown":
            self.doubts.append(record.reason or "the pass could not tell")
        resource = self._resource(
            record.name, record.connection, record.role, record.peer_role, record.volumes, evidence
        )
        told = {About.NAME}
        if "in_use" in record.model_fields_set:
            told.add(About.USE)
            resource = self._with_use(resource, record.in_use)
        if "evidence" in record.model_fields_set:
            told.add(About.EVIDENCE)
        gates = None if record.gates is None else tuple(record.gates)
        recorded = Recorded(at, record.decision, gates, record.reason)
        now_s = evidence.cause_at_s or 0.0
        return Seen(self._doubted(resource), frozenset(told), line, now_s, recorded)

    def of_given_up(self, record: GivenUpRecord) -> Seen:
        """A record of given-up/. What the kernel said in it is read as a pass reads it."""
        of_minor = {volume.minor: record.resource for volume in record.volumes}
        lines = [LogRecord(0.0, text) for text in record.kernel_lines]
        evidence = gather(lines, of_minor).get(record.resource, Evidence())
        if evidence.cause is not None and not evidence.handshakes:
            found = tuple(
                Handshake(i.minor, int(i.self_current, 16), int(i.peer_current, 16), 0, 0, 0, 0)
                for i in record.generation_identifiers
            )
            evidence = replace(evidence, handshakes=found)
        resource = self._resource(
            record.resource, record.connection, record.role, None, record.volumes, evidence
        )
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
    ) -> Resource:
        state = self._word(ConnectionState, connection, "connection state")
        own = self._word(Role, role, "role")
        peer = self._word(Role, peer_role, "role")
        found = tuple(self._volume(volume, state, own, peer) for volume in volumes)
        if state is None and connection is None:
            self.doubts.append("the record does not say the connection state")
        if not found:
            self.doubts.append("the record names no volume")
        if reason := why_not(name):
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
