"""The names of access's streams and its keyed digests. A login name or an address is never kept as a plain hash."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from uuid import UUID

from shared.kernel.identifiers import keyed_digest, keyed_id


@dataclass(frozen=True)
class Streams:
    """``key`` is the service's HMAC key."""

    key: bytes

    def account(self, principal: str, command_id: UUID) -> UUID:
        """The command that opened it names an account: sending twice opens one."""
        return keyed_id(self.key, "account", principal, str(command_id))

    def post(self, principal: str, command_id: UUID) -> UUID:
        return keyed_id(self.key, "post", principal, str(command_id))

    def delegation(self, principal: str, command_id: UUID) -> UUID:
        return keyed_id(self.key, "delegation", principal, str(command_id))

    def handover(self, principal: str, command_id: UUID) -> UUID:
        return keyed_id(self.key, "handover", principal, str(command_id))

    def agency_key(self, principal: str, command_id: UUID) -> UUID:
        return keyed_id(self.key, "agency-key", principal, str(command_id))

    def announcement(self, principal: str, command_id: UUID) -> UUID:
        return keyed_id(self.key, "identity", principal, str(command_id))

    def login(self, login: str) -> bytes:
        """Under which digest an account, and the attempts at it, are found by login name."""
        return keyed_digest(self.key, b"login\0" + login.strip().lower().encode())

    def identity(self, issuer: str, subject: str) -> bytes:
        """Under which digest the account of somebody at an issuer is found."""
        return keyed_digest(self.key, b"identity\0" + issuer.encode() + b"\0" + subject.encode())

    def announced(self, issuer: str, claim: str, value: str) -> bytes:
        """Under which digest an identity told beforehand is found when it comes."""
        return keyed_digest(self.key, b"announced\0" + f"{issuer}\0{claim}\0{value}".encode())

    def from_browser(self, purpose: str, secret: str) -> str:
        """What belongs to a sign-in begun in the browser that holds ``secret``, 43 characters: never kept, made again
        when it is needed."""
        made = keyed_digest(self.key, b"oidc\0" + purpose.encode() + b"\0" + secret.encode())
        return base64.urlsafe_b64encode(made).decode().rstrip("=")

    def address(self, address: str) -> bytes:
        """Under which digest attempts from a network address are counted."""
        return keyed_digest(self.key, b"address\0" + address.encode())

    def device(self, device: str) -> bytes:
        """Under which digest a browser is known again."""
        return keyed_digest(self.key, b"device\0" + device.encode())

    def start(self, account_id: UUID, password: str) -> bytes:
        """How a start password is kept; small or capital letters, with or without hyphens, it is the same one."""
        plain = "".join(each for each in password.lower() if each not in "- ")
        return keyed_digest(self.key, b"start\0" + account_id.bytes + plain.encode())

    def staff_import(self, principal: str, command_id: UUID) -> UUID:
        """The command that sends a list of people names its import: sending twice goes on with one."""
        return keyed_id(self.key, "staff-import", principal, str(command_id))

    def imported(self, import_id: UUID, what: str) -> UUID:
        """An account, a post or a command of an import: the same however often the import is begun."""
        return keyed_id(self.key, "staff-imported", str(import_id), what)

    @property
    def pepper(self) -> bytes:
        """What a password is hashed with beside its salt: the database alone does not let anybody guess."""
        return keyed_digest(self.key, b"pepper")

    @property
    def sealing(self) -> bytes:
        """The key under which seeds of second factors are sealed."""
        return keyed_digest(self.key, b"second-factor")

    def recovery(self, account_id: UUID, code: str) -> bytes:
        """How a recovery code is kept."""
        return keyed_digest(self.key, b"recovery\0" + account_id.bytes + code.encode())
