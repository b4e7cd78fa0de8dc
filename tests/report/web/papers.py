"""Certificates made for one test, web configurations that name them, and a client that has some."""

from __future__ import annotations

import base64
import http.client
import ssl
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import bcrypt
import trustme
from cryptography.hazmat.primitives import serialization

HOST = "127.0.0.1"
# The cheapest cost that there is: what is tested is who comes in, not how long it takes.
COST = 4


@dataclass
class Papers:
    """A folder with a certificate for this machine, its key, and the authority that signed it."""

    folder: Path
    authority: trustme.CA = field(default_factory=trustme.CA)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.renew()
        self.authority.cert_pem.write_to_path(str(self.folder / "ca.pem"))

    def renew(self) -> None:
        """Another certificate by the same authority, with another key."""
        self.take(self.authority.issue_cert(HOST))

    def take(self, issued: trustme.LeafCert) -> None:
        """This certificate and its key from now on."""
        (self.folder / "server.pem").write_bytes(chain(issued))
        key = self.folder / "server.key"
        key.touch(mode=0o600)
        key.write_bytes(issued.private_key_pem.bytes())

    def encrypt_key(self) -> None:
        """Put a passphrase on the key."""
        path = self.folder / "server.key"
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b"open sesame"),
            )
        )

    def web_config(self, text: str) -> Path:
        """A web configuration beside them."""
        path = self.folder / "web.yml"
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        return path

    def client(self, issued: trustme.LeafCert | None = None) -> ssl.SSLContext:
        """A client that trusts the authority, with a certificate of its own if there is one."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        if issued is not None:
            issued.configure_cert(context)
        return context


def chain(issued: trustme.LeafCert) -> bytes:
    """The certificate and what it is signed by."""
    return b"".join(pem.bytes() for pem in issued.cert_chain_pems)


TLS = """\
tls_server_config:
  cert_file: server.pem
  key_file: server.key
"""
CLIENTS_TOO = f"""\
{TLS}\
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
"""


def hashed(password: str) -> str:
    """A bcrypt hash of it."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(COST)).decode()


def users(**passwords: str) -> str:
    """The section basic_auth_users."""
    lines = [f"  {name}: {hashed(password)}\n" for name, password in passwords.items()]
    return "".join(["basic_auth_users:\n", *lines])


def basic(name: str, password: str) -> dict[str, str]:
    """The header that a client sends with them."""
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


def ask_tls(
    port: int,
    context: ssl.SSLContext,
    path: str = "/metrics",
    headers: dict[str, str] | None = None,
    method: str = "GET",
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer over TLS."""
    connection = http.client.HTTPSConnection(HOST, port, timeout=20, context=context)
    with closing(connection):
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
