"""One e-mail to one person over SMTP: plain text beside simple HTML, one Message-ID over all attempts."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from html import escape
from typing import Literal

TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True)
class MailServer:
    """The operator's own server. ``tls``: starttls, tls from the first byte, or none (a server on this machine).
    ``ca``: a PEM file that vouches for its certificate, empty = whom the machine trusts."""

    host: str
    port: int
    sender: str
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    ca: str = ""

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> MailServer | None:
        """ROLLCALL_SMTP_HOST, …_PORT (587), …_TLS, …_USER, …_PASSWORD, …_CA and ROLLCALL_MAIL_FROM; None without a
        host. Raises ValueError."""
        host, tls = env.get("ROLLCALL_SMTP_HOST", ""), env.get("ROLLCALL_SMTP_TLS", "starttls")
        if not host:
            return None
        if tls not in ("starttls", "tls", "none"):
            raise ValueError("ROLLCALL_SMTP_TLS is starttls, tls or none")
        sender = env.get("ROLLCALL_MAIL_FROM", "")
        if not sender:
            raise ValueError("ROLLCALL_MAIL_FROM is not set")
        port = int(env.get("ROLLCALL_SMTP_PORT", "587"))
        user, password = env.get("ROLLCALL_SMTP_USER", ""), env.get("ROLLCALL_SMTP_PASSWORD", "")
        ca = env.get("ROLLCALL_SMTP_CA", "")
        return cls(host, port, sender, tls, user, password, ca)  # type: ignore[arg-type]  # tls was checked above

    def send(self, to: str, message_id: str, subject: str, lines: Sequence[str], link: str) -> str:
        """Send it; a problem as a code, empty when the server took it. Blocks up to TIMEOUT_SECONDS per step."""
        told = composed(self.sender, to, message_id, subject, lines, link)
        try:
            with self._connected() as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(told)
        except smtplib.SMTPResponseException as refused:
            return f"smtp_{refused.smtp_code}"
        except smtplib.SMTPRecipientsRefused as refused:
            return f"smtp_{min(code for code, _ in refused.recipients.values())}"
        except (smtplib.SMTPException, OSError) as failed:
            return f"connection_{type(failed).__name__}"
        return ""

    def _connected(self) -> smtplib.SMTP:
        if self.tls == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_SECONDS, context=self._trust())
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS)
        if self.tls == "starttls":
            try:
                server.starttls(context=self._trust())
            except BaseException:
                server.close()
                raise
        return server

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca or None)


def composed(sender: str, to: str, message_id: str, subject: str, lines: Sequence[str], link: str) -> EmailMessage:
    """The e-mail; raises ValueError for a header with a line break."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = f"<{message_id}@{sender.rpartition('@')[2].rstrip('>')}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join([*lines, "", link, ""]))
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    message.add_alternative(f'<ul>{items}</ul><p><a href="{escape(link)}">{escape(link)}</a></p>', subtype="html")
    return message
