"""Secrets of one installation: files of mode 0600 apart from the data, or the environment.

`ROLLCALL_SECRET_<NAME>` (base64; name upper-cased, `-` as `_`) wins over the file. A missing secret is made
once, except in production, where a silently new key would make everything encrypted or signed before unreadable.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
from pathlib import Path

from deploy.errors import StartRefused

KEY_BYTES = 32
Octets = bytes  # inside the class below `bytes` is a method
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class SecretMissing(StartRefused):
    """Production was asked for a secret that nobody provided."""


class SecretUnreadable(StartRefused):
    """A secret is there but cannot be used: wrong encoding, length or permission."""


class Secrets:
    """The secrets under `<home>/secrets`. Names are lower-case words joined by hyphens, e.g. `kek`, `hmac-registry`."""

    def __init__(self, home: Path, *, production: bool | None = None) -> None:
        self._folder = home / "secrets"
        self._production = os.environ.get("ROLLCALL_ENV") == "production" if production is None else production

    def bytes(self, name: str) -> bytes:
        """32 random bytes, the same in every call and every process.

        Serves as AES-256 key-encryption key (`kek`), HMAC key (`hmac-<service>`) and Ed25519 seed (`jwt`).
        Raises: SecretMissing in production, SecretUnreadable.
        """
        given = os.environ.get(self._variable(name))
        if given is not None:
            return self._decode(name, given)
        path = self._path(name)
        if not path.exists():
            self._create(name, base64.b64encode(secrets.token_bytes(KEY_BYTES)))
        return self._decode(name, self._read(path).decode("ascii", "replace").strip())

    def password(self, name: str) -> str:
        """A password of 43 URL-safe characters (256 bits), made once, safe inside a connection URL."""
        return base64.urlsafe_b64encode(self.bytes(name)).decode().rstrip("=")

    def text(self, name: str) -> str:
        """The text of a secret that somebody else made (an issuer's for its client), kept as base64 like the others.

        Raises: SecretMissing (it is never made here), SecretUnreadable.
        """
        given = os.environ.get(self._variable(name))
        path = self._path(name)
        if given is None and not path.exists():
            raise SecretMissing(f"secret {name} is missing; set {self._variable(name)} or write {path} (base64)")
        kept = self._read(path).decode("ascii", "replace").strip() if given is None else given
        try:
            return base64.b64decode(kept, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise SecretUnreadable(f"secret {name} is not the base64 of a text; write it again") from error

    def has(self, name: str) -> bool:
        """Whether somebody provided it, or it was made."""
        return self._variable(name) in os.environ or self._path(name).exists()

    def succeed(self, name: str, successor: str, former: str) -> bool:
        """Let the file of ``successor`` take the place of ``name``, whose value stays as ``former``. Killed in between
        and begun again it ends the same. False when the environment gives either: then the operator does it."""
        if self._variable(name) in os.environ or self._variable(successor) in os.environ:
            return False
        self.bytes(successor)
        draft = self._path(f".{former}")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_bytes(self._read(self._path(name)))
        draft.replace(self._path(former))
        self._path(successor).replace(self._path(name))
        return True

    def _variable(self, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a secret's name: {name!r}")
        return "ROLLCALL_SECRET_" + name.upper().replace("-", "_")

    def _path(self, name: str) -> Path:
        return self._folder / name

    def _read(self, path: Path) -> Octets:
        if path.stat().st_mode & 0o077:
            raise SecretUnreadable(f"{path} can be read by others; run: chmod 600 {path}")
        return path.read_bytes()

    def _decode(self, name: str, text: str) -> Octets:
        try:
            value = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise SecretUnreadable(f"secret {name} is not base64; restore it from its backup") from error
        if len(value) != KEY_BYTES:
            raise SecretUnreadable(f"secret {name} has {len(value)} bytes, {KEY_BYTES} are needed; restore its backup")
        return value

    def _create(self, name: str, text: Octets) -> None:
        if self._production:
            raise SecretMissing(f"secret {name} is missing; set {self._variable(name)} or restore {self._path(name)}")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        draft = self._folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        try:
            # A link, unlike a rename, never replaces: of two processes that make the key at once, the first one wins.
            os.link(draft, self._path(name))
        except FileExistsError:
            pass
        finally:
            draft.unlink()
