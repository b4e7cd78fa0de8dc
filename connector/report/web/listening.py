"""The socket that the exporter listens on, and whom it leaves the metrics open to."""

from __future__ import annotations

import ipaddress
import socket

from connector.errors import ConnectorError, NotPermitted
from connector.report.web.protection import Protection

DEFAULT_HOST = "127.0.0.1"
# Outside of 9100-9999, which is given away; 9942 in there is drbd-reactor's.
DEFAULT_PORT = 19942
_BACKLOG = 16


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one.

    Raises:
        NotPermitted, ConnectorError: the address cannot be listened on.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(_BACKLOG)
        except BaseException:
            listening.close()
            raise
    except (OSError, UnicodeError) as error:
        kind = NotPermitted if isinstance(error, PermissionError) else ConnectorError
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise kind(f"cannot listen on {shown(host, port)}: {reason}; choose another") from error
    return listening


def shown(host: str, port: int) -> str:
    """Both as they are written in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def announced(host: str, listening: socket.socket) -> str:
    """Where it listens, in the words that both commands say at their start."""
    return f"listening on {shown(host, listening.getsockname()[1])}"


def exposure(address: str, protection: Protection) -> str | None:
    """What a person should know who lets others than this machine ask; None where that is nothing.

    `address` is what the socket is bound to, as a number.
    """
    if ipaddress.ip_address(address.partition("%")[0]).is_loopback or protection.tls is not None:
        return None
    if protection.passwords is not None:
        return (
            "passwords come over the network as they are: there is no TLS; the file that "
            "--web-config names can set it up"
        )
    return (
        "everybody on the network can read the metrics: there is no TLS and no password; "
        "--web-config sets them up"
    )
