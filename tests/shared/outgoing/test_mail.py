"""E-mail over TLS to a server with a certificate of its own: trusted by name, and nothing is said in the clear."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.outgoing.mail import MailServer
from tests.support.receiver import mailbox

ADDRESS = ipaddress.IPv4Address("127.0.0.1")


def certified(folder: Path, address: ipaddress.IPv4Address = ADDRESS) -> tuple[ssl.SSLContext, str]:
    """A server's TLS with a self-signed certificate for ``address``, and the file that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail of the tests")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(address)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return context, str(certificate)


def server(port: int, ca: str, tls: str = "starttls", password: str = "a password") -> MailServer:
    told = {"HOST": "127.0.0.1", "PORT": str(port), "TLS": tls, "USER": "rollcall", "PASSWORD": password, "CA": ca}
    env = {f"ROLLCALL_SMTP_{name}": value for name, value in told.items()}
    found = MailServer.from_environment(env | {"ROLLCALL_MAIL_FROM": "rollcall@example.org"})
    assert found is not None and "a password" not in repr(found)
    return found


def send(to: MailServer) -> str:
    return to.send("clerk@example.org", "id-1", "新增预警 1 条", ["新增预警 1 条"], "https://page.example/messages")


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_login_and_message_go_over_tls_to_a_server_the_installation_was_told_to_trust(
    tmp_path: Path, tls: Literal["starttls", "tls"]
) -> None:
    context, ca = certified(tmp_path)
    with mailbox(context, at_once=tls == "tls") as box:
        assert send(server(box.port, ca, tls)) == ""
        assert [to for to, _ in box.mails] == ["clerk@example.org"]
        assert [word.partition(" ")[0] for word in box.said] == (["EHLO", "STARTTLS"] if tls == "starttls" else [])
        assert send(server(box.port, ca, tls, password="another")) == "smtp_535"
        assert len(box.mails) == 1


def test_a_server_nobody_vouches_for_or_of_another_name_is_told_nothing(tmp_path: Path) -> None:
    context, ca = certified(tmp_path)
    with mailbox(context) as box:
        assert send(server(box.port, "")) == "connection_SSLCertVerificationError"
        assert not any(word.startswith("AUTH") for word in box.said) and box.mails == []
    context, ca = certified(tmp_path, ipaddress.IPv4Address("127.0.0.2"))
    with mailbox(context) as box:
        assert send(server(box.port, ca)) == "connection_SSLCertVerificationError"


def test_a_server_that_offers_no_tls_is_told_neither_password_nor_message(tmp_path: Path) -> None:
    with mailbox() as box:
        assert send(server(box.port, "")) == "connection_SMTPNotSupportedError"
        assert [word.partition(" ")[0] for word in box.said] == ["EHLO"] and box.mails == []
