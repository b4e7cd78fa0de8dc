"""What a web configuration may hold, checked by pydantic.

The keys that are here mean what they mean to Prometheus' exporters:
https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connector.errors import ConfigurationError
from connector.report.web.yaml_text import Document, Location

MAX_USERS = 100
_MAX_ERRORS = 20
_USERS = "basic_auth_users"

FileName = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00]+$")]
UserName = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^:\x00-\x1f\x7f]+$")]
# 16 bytes of salt in 22 characters: the last of them has only two bits to tell.
BcryptHash = Annotated[
    str,
    Field(pattern=r"^\$2[aby]\$(0[4-9]|1[0-5])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}$"),
]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TlsServerConfig(_Section):
    """tls_server_config: encryption, and who may come in by certificate."""

    cert_file: FileName
    key_file: FileName
    client_auth_type: Literal[
        "NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"
    ] = "NoClientCert"
    client_ca_file: FileName | None = None
    min_version: Literal["TLS12", "TLS13"] = "TLS12"


class WebConfigFile(_Section):
    """The whole file."""

    tls_server_config: TlsServerConfig | None = None
    basic_auth_users: Annotated[
        dict[UserName, BcryptHash], Field(min_length=1, max_length=MAX_USERS)
    ] = {}


def validate(document: Document) -> WebConfigFile:
    """The file, checked.

    Raises:
        ConfigurationError: naming every key that is unknown, missing or has a wrong value; no value
            is shown, since it may be a secret.
    """
    try:
        parsed = WebConfigFile.model_validate(document.data)
    except ValidationError as error:
        lines = [
            _line(document, tuple(str(part) for part in item["loc"]), item["type"], item["msg"])
            for item in error.errors(include_url=False, include_input=False)[:_MAX_ERRORS]
        ]
        raise ConfigurationError("\n".join(lines)) from error
    tls = parsed.tls_server_config
    if tls is None and not parsed.basic_auth_users:
        raise ConfigurationError(
            f"{document.path}: protects nothing: tls_server_config and {_USERS} are both missing"
        )
    if tls is not None:
        _check_clients(document, tls)
    return parsed


def _check_clients(document: Document, tls: TlsServerConfig) -> None:
    section = "tls_server_config"
    if tls.client_auth_type == "NoClientCert" and tls.client_ca_file is not None:
        raise ConfigurationError(
            f"{document.where((section, 'client_ca_file'))}: clients' certificates are not looked "
            "at; for that, client_auth_type must be RequireAndVerifyClientCert"
        )
    if tls.client_auth_type != "NoClientCert" and tls.client_ca_file is None:
        raise ConfigurationError(
            f"{document.where((section, 'client_auth_type'))}: needs client_ca_file, the "
            "certificates of those who may sign a client's"
        )


def _line(document: Document, location: Location, kind: str, message: str) -> str:
    if location[:1] == (_USERS,) and len(location) > 1:
        if location[-1] == "[key]":
            location = location[:-1]
            message = "a user's name has 1 to 128 characters, no colon, no control characters"
        else:
            message = (
                "must be a bcrypt hash of a cost from 4 to 15, what `htpasswd -nBC 10 NAME` prints "
                "after the colon"
            )
    elif kind == "extra_forbidden":
        message = f"refused, since connector does not know it; known here: {_known(location)}"
    elif kind == "missing":
        message = "is missing"
    elif kind in ("model_type", "dict_type", "model_attributes_type"):
        message = f"must hold keys: {_known((*location, ''))}"
    elif kind == "string_too_short":
        message = "must name a file, and is empty"
    return f"{document.where(location)}: {message}"


def _known(location: Location) -> str:
    """The keys that may stand where an unknown one was found."""
    if location[0] == _USERS and len(location) > 1:
        return "names of users"
    inside = location[0] == "tls_server_config" and len(location) > 1
    return ", ".join((TlsServerConfig if inside else WebConfigFile).model_fields)
