"""What connector.toml may hold, checked by pydantic, and turned into Settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from connector.config_takeover import (
    MOST_MOUNTS,
    NOT_A_MOUNT,
    MountSection,
    TakeoverSection,
    mounts_of,
)
from connector.decide.context import Policy
from connector.errors import ConfigurationError
from connector.model import Mode
from connector.recover.source import place
from connector.settings import (
    RecoverSettings,
    RescueSettings,
    RunSettings,
    Settings,
    TakeoverSettings,
)

DAY_S = 86_400
YEAR_S = 365 * DAY_S
_NOT_A_PEER = "not_a_peer"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PolicySection(_Section):
    """[policy] and [resource.NAME]: what may be done."""

    mode: Literal["observe", "reconnect", "discard"] | None = None
    demote_grace: Annotated[float, Field(ge=0, le=DAY_S, allow_inf_nan=False)] | None = None
    max_attempts: Annotated[int, Field(ge=1, le=100)] | None = None
    respect_disconnect: Annotated[float, Field(ge=0, le=YEAR_S, allow_inf_nan=False)] | None = None
    managed: Literal["observe", "act"] | None = None

    def over(self, base: Policy) -> Policy:
        """The policy `base` with what this section says."""
        return Policy(
            mode=base.mode if self.mode is None else Mode(self.mode),
            demote_grace_s=_either(self.demote_grace, base.demote_grace_s),
            max_attempts=base.max_attempts if self.max_attempts is None else self.max_attempts,
            respect_disconnect_s=_either(self.respect_disconnect, base.respect_disconnect_s),
            act_if_managed=(base.act_if_managed if self.managed is None else self.managed == "act"),
        )


def _either(value: float | None, default: float) -> float:
    return default if value is None else value


Absolute = Annotated[str, Field(min_length=2, max_length=4096, pattern=r"^/[^\x00]*$")]


class RunSection(_Section):
    """[run]: how a pass runs."""

    deadline: Annotated[float, Field(ge=5, le=3600, allow_inf_nan=False)] | None = None
    command_timeout: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] | None = None
    settle: Annotated[float, Field(ge=0, le=600, allow_inf_nan=False)] | None = None
    wait_for_lock: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] | None = None
    lock: Absolute | None = None
    state_dir: Absolute | None = None
    drbdadm: Absolute | None = None

    def over(self, base: RunSettings) -> RunSettings:
        """The settings `base` with what this section says."""
        return RunSettings(
            deadline_s=_either(self.deadline, base.deadline_s),
            command_timeout_s=_either(self.command_timeout, base.command_timeout_s),
            settle_s=_either(self.settle, base.settle_s),
            wait_for_lock_s=_either(self.wait_for_lock, base.wait_for_lock_s),
            lock=base.lock if self.lock is None else Path(self.lock),
            state_dir=base.state_dir if self.state_dir is None else Path(self.state_dir),
            drbdadm=base.drbdadm if self.drbdadm is None else self.drbdadm,
        )


class RescueSection(_Section):
    """[rescue]: what is given up is kept first."""

    keep: Literal["always", "never"] | None = None
    otherwise: Literal["refuse", "discard"] | None = None
    directory: Absolute | None = None
    max_size_mib: Annotated[int, Field(ge=1, le=2**40)] | None = None
    spare_percent: Annotated[float, Field(ge=0, le=90, allow_inf_nan=False)] | None = None
    max_age_days: Annotated[float, Field(gt=0, le=3650, allow_inf_nan=False)] | None = None
    copy_timeout: Annotated[float, Field(gt=0, le=7 * DAY_S, allow_inf_nan=False)] | None = None

    def over(self, base: RescueSettings) -> RescueSettings:
        """The settings `base` with what this section says."""
        return RescueSettings(
            keep=base.keep if self.keep is None else self.keep == "always",
            refuse_without=(
                base.refuse_without if self.otherwise is None else self.otherwise == "refuse"
            ),
            directory=base.directory if self.directory is None else Path(self.directory),
            max_size_mib=base.max_size_mib if self.max_size_mib is None else self.max_size_mib,
            spare_percent=_either(self.spare_percent, base.spare_percent),
            max_age_days=_either(self.max_age_days, base.max_age_days),
            copy_timeout_s=_either(self.copy_timeout, base.copy_timeout_s),
        )


def _peer(value: str) -> str:
    """What can be asked at any time; a file and standard input are for one time only."""
    try:
        if place(value) is not None:
            return value
        why = "must be ssh:HOST, http://HOST:PORT or https://HOST:PORT"
    except ValueError as error:
        why = str(error)
    raise _no_peer(why)


def _no_peer(why: str) -> PydanticCustomError:
    return PydanticCustomError(_NOT_A_PEER, "{why}", {"why": why})


class RecoverSection(_Section):
    """[recover]: where a person's recovery asks for the other node's view."""

    peer: Annotated[str, AfterValidator(_peer)] | None = None
    peer_ca: Absolute | None = None
    peer_password_file: Absolute | None = None

    def over(self, base: RecoverSettings) -> RecoverSettings:
        """The settings `base` with what this section says."""
        return RecoverSettings(
            peer=base.peer if self.peer is None else self.peer,
            peer_ca=base.peer_ca if self.peer_ca is None else Path(self.peer_ca),
            peer_password_file=(
                base.peer_password_file
                if self.peer_password_file is None
                else Path(self.peer_password_file)
            ),
        )


class ResourceSection(PolicySection):
    """[resource.NAME]: the policy of one resource, and what a take-over mounts of it."""

    mount: Annotated[list[MountSection], Field(max_length=MOST_MOUNTS)] = []


class MetricsSection(_Section):
    """[metrics]: where they are written."""

    textfile: Absolute | None = None


class ConfigFile(_Section):
    """The whole file."""

    policy: PolicySection = PolicySection()
    run: RunSection = RunSection()
    rescue: RescueSection = RescueSection()
    recover: RecoverSection = RecoverSection()
    takeover: TakeoverSection = TakeoverSection()
    metrics: MetricsSection = MetricsSection()
    resource: dict[str, ResourceSection] = Field(default_factory=dict)


def validate(data: Mapping[str, Any], where: Callable[[tuple[str, ...]], str]) -> Settings:
    """Settings from parsed TOML.

    Args:
        data: the parsed file, with variables put in.
        where: turns a key's path into words that say where it stands.

    Raises:
        ConfigurationError: naming every key that is unknown or has a wrong value.
    """
    try:
        parsed = ConfigFile.model_validate(data)
    except ValidationError as error:
        raise ConfigurationError(_describe(error, where)) from error
    policy = parsed.policy.over(Policy())
    run = parsed.run.over(RunSettings())
    if run.command_timeout_s >= run.deadline_s:
        place = where(("run", "command_timeout" if parsed.run.command_timeout else "deadline"))
        raise ConfigurationError(
            f"{place}: command_timeout ({run.command_timeout_s:g} s) must be shorter than "
            f"deadline ({run.deadline_s:g} s)"
        )
    textfile = parsed.metrics.textfile
    return replace(
        Settings(),
        policy=policy,
        by_resource={name: section.over(policy) for name, section in parsed.resource.items()},
        run=run,
        rescue=parsed.rescue.over(RescueSettings()),
        recover=parsed.recover.over(RecoverSettings()),
        takeover=parsed.takeover.over(TakeoverSettings()),
        mounts=mounts_of({name: item.mount for name, item in parsed.resource.items()}, where),
        textfile=Path(textfile) if textfile else None,
    )


def _describe(error: ValidationError, where: Callable[[tuple[str, ...]], str]) -> str:
    lines = []
    for item in error.errors(include_url=False)[:20]:
        location = tuple(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            message = f"unknown key; known here: {_known(location)}"
        elif item["type"] == "missing":
            message = "is missing, and has no default: add it"
        elif item["type"] in ("string_pattern_mismatch", "string_too_short"):
            message = f"must be an absolute path (found {item['input']!r:.60})"
        elif item["type"] in (_NOT_A_PEER, NOT_A_MOUNT):
            # What was found may be a password.
            message = item["msg"]
        else:
            message = f"{item['msg']} (found {item['input']!r:.60})"
        lines.append(f"{where(location)}: {message}")
    return "\n".join(lines)


def _known(location: tuple[str, ...]) -> str:
    """The keys that may stand where an unknown one was found."""
    sections: dict[str, type[BaseModel]] = {
        "policy": PolicySection,
        "resource": ResourceSection,
        "run": RunSection,
        "rescue": RescueSection,
        "recover": RecoverSection,
        "takeover": TakeoverSection,
        "metrics": MetricsSection,
    }
    model = sections.get(location[0], ConfigFile) if len(location) > 1 else ConfigFile
    if model is ResourceSection and len(location) > 3:
        model = MountSection
    return ", ".join(model.model_fields)
