"""What one process of a service is told from outside, read once from the environment.

=============================  =========================================================================
ROLLCALL_DIVISION              division code of this installation (default 469080, the synthetic county)
ROLLCALL_ENV                   demo, test or production (default demo)
ROLLCALL_HOME                  folder of all state (default .rollcall)
ROLLCALL_PORT                  first port; each service adds its own offset (default 8000)
KAFKA_BOOTSTRAP_SERVERS        host:port, … (required); KAFKA_… further: shared/messaging/brokers.py
DATABASE_URL_<SERVICE>         owner's address of this service's database, else
ROLLCALL_ADMIN_DATABASE_URL    … the server's, with database rollcall_<service>
DATABASE_URL_KEYS              owner's address of the keys' database (default as above, rollcall_keys)
DATABASE_PASSWORD_<SERVICE>_APP, …_WORKER, DATABASE_PASSWORD_KEYS   role passwords, if not derived from the owner's
ROLLCALL_SECRET_<NAME>         base64 of 32 bytes (of a text: oidc-client); else the file <home>/secrets/<name>
ROLLCALL_OIDC_…                the issuer people sign in through (services/access/oidc/configuration.py)
ROLLCALL_AGENCY_TOPICS         agency:list, … whose rows come by Kafka (default the three lists; - = none)
ROLLCALL_ISSUER, ROLLCALL_JWKS_URL, ROLLCALL_AUDIENCE   who signs the tokens
ROLLCALL_PUBLIC_KEYS           file of the logs' public keys (default <home>/public-keys.txt)
ROLLCALL_SNAPSHOT_EVENTS       events of a projection's logs between two snapshots of audit (default 250000; 0 = none)
ROLLCALL_SNAPSHOTS_KEPT        snapshots of each projection that are kept (default 40)
ROLLCALL_<SERVICE>_URL         where a service answers (default loopback, by its offset)
ROLLCALL_PROXIES               addresses of what ends TLS in front of us (default none: nobody is believed)
ROLLCALL_RATES                 how often one person or agency may ask (shared/web/rate_limits.py); off = unlimited
ROLLCALL_SECOND_FACTOR         kinds of post that nobody acts in without a second factor (default none)
ROLLCALL_WORKING_HOURS         the county's, in Shanghai (default 6-22); sign-ins outside of them are shown as at night
=============================  =========================================================================
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from shared.database.database import Database
from shared.hosting.networks import brokers_from, password_of, proxies_from, require_encryption
from shared.hosting.ports import PORT_OFFSETS
from shared.kernel.pacing import USUAL, Pace
from shared.keys.keyring import DATABASE_NAME as KEYS_DATABASE
from shared.keys.keyring import KeyRing
from shared.keys.rotation import owner_of_keys
from shared.messaging.brokers import Brokers
from shared.standards.posts import KINDS
from shared.web.rate_limits import UNLIMITED, Rates

ENVIRONMENTS = ("demo", "test", "production")
PARTITIONS = 4
SECRET_BYTES = 32
TEXT_SECRETS = ("oidc-client",)  # made by somebody else, of whatever length
PUBLIC_KEYS_FILE = "public-keys.txt"
DEMO_ISSUER_PATH = "/demo-issuer"
AGENCY_TOPICS = "poverty_office:poverty,civil_affairs:civil,disability_federation:disability"


class SettingMissing(Exception):
    """A setting that has no safe default is missing or unreadable; the message names it."""


@dataclass(frozen=True)
class Settings:
    """Everything a service process needs to know. Holds passwords: ``repr`` shows none."""

    service: str
    division: str
    environment: str
    home: Path
    port: int
    bootstrap_servers: str
    database_url: str = field(repr=False)
    keys_database_url: str = field(repr=False)
    issuer: str = ""
    jwks_url: str = ""
    audience: str = "rollcall"
    app_password: str | None = field(default=None, repr=False)
    worker_password: str | None = field(default=None, repr=False)
    keys_password: str | None = field(default=None, repr=False)
    agency_topics: str = ""
    public_keys_file: Path = Path(PUBLIC_KEYS_FILE)
    addresses: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    snapshot_events: int = 250_000
    snapshots_kept: int = 40
    rates: Rates = UNLIMITED
    pace: Pace = USUAL
    proxies: str = ""
    working_hours: tuple[int, int] = (6, 22)
    second_factor: frozenset[str] = frozenset()
    kafka: Brokers | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls, service: str, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the table above. Raises SettingMissing."""
        env = os.environ if environ is None else environ
        environment = env.get("ROLLCALL_ENV", "demo")
        if environment not in ENVIRONMENTS:
            raise SettingMissing(f"ROLLCALL_ENV is one of {', '.join(ENVIRONMENTS)}, not {environment!r}")
        upper = service.upper()
        first = int(env.get("ROLLCALL_PORT", "8000"))
        home = Path(env.get("ROLLCALL_HOME", ".rollcall"))
        portal = f"http://127.0.0.1:{first}"
        found = cls(
            service=service,
            division=env.get("ROLLCALL_DIVISION", "469080"),
            environment=environment,
            home=home,
            port=first + PORT_OFFSETS.get(service, 0),
            bootstrap_servers=_required(env, "KAFKA_BOOTSTRAP_SERVERS"),
            database_url=_database_url(env, service, f"rollcall_{service}"),
            keys_database_url=_database_url(env, "keys", KEYS_DATABASE),
            issuer=env.get("ROLLCALL_ISSUER", f"{portal}/demo-issuer"),
            jwks_url=env.get("ROLLCALL_JWKS_URL", f"{portal}/demo-issuer/jwks.json"),
            audience=env.get("ROLLCALL_AUDIENCE", "rollcall"),
            app_password=env.get(f"DATABASE_PASSWORD_{upper}_APP"),
            worker_password=env.get(f"DATABASE_PASSWORD_{upper}_WORKER"),
            keys_password=env.get("DATABASE_PASSWORD_KEYS"),
            agency_topics=agency_topics(env),
            public_keys_file=Path(env.get("ROLLCALL_PUBLIC_KEYS") or home / PUBLIC_KEYS_FILE),
            addresses=_addresses(env, first),
            secrets=_given_secrets(env),
            snapshot_events=_count(env, "ROLLCALL_SNAPSHOT_EVENTS", 250_000, least=0),
            snapshots_kept=_count(env, "ROLLCALL_SNAPSHOTS_KEPT", 40, least=1),
            **_surroundings(env, service),
        )
        if environment == "production":
            try:
                require_encryption(found.brokers_told, (found.database_url, found.keys_database_url))
            except ValueError as readable:
                raise SettingMissing(str(readable)) from None
        return found

    @property
    def source(self) -> str:
        """``ce_source`` of this service's events."""
        return f"//rollcall/{self.division}/{self.service}"

    def topic(self, service: str | None = None) -> str:
        """The topic of a service's log (default: this service's own)."""
        return f"rollcall.{self.division}.{service or self.service}.log"

    def heads_topic(self, service: str | None = None) -> str:
        """The topic on which a service tells how far its log is complete."""
        return f"rollcall.{self.division}.{service or self.service}.heads"

    def secret(self, name: str) -> bytes:
        """32 bytes: ``kek``, ``hmac-<service>``, ``log-<service>``, ``jwt`` … From the environment, else the home's
        file of mode 0600.

        Raises SettingMissing.
        """
        if name in self.secrets:
            return self.secrets[name]
        return _decoded(name, self._kept(name))

    def text_secret(self, name: str) -> str:
        """A secret that somebody else gave, one of TEXT_SECRETS. Raises SettingMissing."""
        raw = self.secrets[name] if name in self.secrets else _decoded(name, self._kept(name))
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise SettingMissing(f"secret {name} is no text") from None

    def _kept(self, name: str) -> str:
        path = self.home / "secrets" / name
        if not path.exists():
            raise SettingMissing(f"secret {name} is missing: set {_variable(name)} or restore {path}")
        if path.stat().st_mode & 0o077:
            raise SettingMissing(f"{path} can be read by others; run: chmod 600 {path}")
        return path.read_text().strip()

    @property
    def brokers_told(self) -> Brokers:
        """Kafka as the environment has it, without the password of a secret."""
        return self.kafka or Brokers(self.bootstrap_servers)

    @property
    def brokers(self) -> Brokers:
        """Kafka as this service speaks to it: as its own principal where the brokers ask. Raises SettingMissing."""
        kafka = self.brokers_told
        if not kafka.guarded or kafka.password:
            return kafka
        return replace(kafka, password=password_of(self.secret(f"kafka-{self.service}")))

    @property
    def hmac_key(self) -> bytes:
        """The key of this service's stream ids and command bodies."""
        return self.secret(f"hmac-{self.service}")

    @property
    def log_seeds(self) -> list[bytes]:
        """Ed25519 seeds this service signs its checkpoints with: the present one (``log-<service>``) and, while keys
        are being changed, the one before (``log-<service>-previous``)."""
        name = f"log-{self.service}"
        before = f"{name}-previous"
        kept = before in self.secrets or (self.home / "secrets" / before).exists()
        return [self.secret(name), *([self.secret(before)] if kept else [])]

    @property
    def access_issuer(self) -> str:
        """The ``iss`` of the tokens that access signs."""
        return f"urn:rollcall:{self.division}:access"

    @property
    def token_seeds(self) -> list[bytes]:
        """Ed25519 seeds of the tokens: the present one (``access-signing``), then those that are only published: the
        one before (``access-signing-previous``) and the one to come (``access-signing-next``)."""
        found = [self.secret("access-signing")]
        for name in ("access-signing-previous", "access-signing-next"):
            try:
                found.append(self.secret(name))
            except SettingMissing:
                continue
        return found

    @property
    def issuers(self) -> dict[str, str]:
        """Whose tokens are trusted: issuer → address of its keys. Access always; the demonstration's issuer never in
        production; another one (ROLLCALL_ISSUER) wherever it is named."""
        trusted = {self.access_issuer: f"{self.addresses['access']}/v1/jwks.json"} if self.addresses else {}
        demo = urlsplit(self.issuer).path == DEMO_ISSUER_PATH
        if self.issuer and not (demo and self.environment == "production"):
            trusted[self.issuer] = self.jwks_url
        return trusted

    def database(self) -> Database:
        """This service's database, not yet prepared."""
        name = str(conninfo_to_dict(self.database_url)["dbname"])
        return Database(
            self.service,
            self.database_url,
            name=name,
            app_password=self.app_password,
            worker_password=self.worker_password,
        )

    def keyring(self) -> KeyRing:
        """The keys of people, not yet prepared. Raises SettingMissing."""
        name = str(conninfo_to_dict(self.keys_database_url)["dbname"])
        return KeyRing(
            self.keys_database_url,
            self.secret("kek"),
            name=name,
            role_password=self.keys_password,
            others=self.other_keks,
        )

    def next_kek(self) -> bytes | None:
        """The key-encryption key that is to come, if the secrets hold one."""
        try:
            return self.secret("kek-next")
        except SettingMissing:
            return None

    def keys_owner(self) -> psycopg.Connection[Any]:
        """A connection of the owner to the keys' database."""
        name = str(conninfo_to_dict(self.keys_database_url)["dbname"])
        return owner_of_keys(self.keys_database_url, name)

    def other_keks(self) -> list[bytes]:
        """The key-encryption keys beside ``kek``, as the secrets hold them now: the one that comes after it, the one
        that went before it, and ``kek`` itself once more, which may have been replaced since this process began."""
        found = []
        for name in ("kek", "kek-next", "kek-former"):
            try:
                found.append(self.secret(name))
            except SettingMissing:
                continue
        return found


def agency_topics(env: Mapping[str, str]) -> str:
    """``agency:list, …`` of ROLLCALL_AGENCY_TOPICS; empty for none."""
    given = env.get("ROLLCALL_AGENCY_TOPICS") or AGENCY_TOPICS
    return "" if given == "-" else given


def _surroundings(env: Mapping[str, str], service: str) -> dict[str, Any]:
    try:
        kafka = brokers_from(env, env.get("ROLLCALL_DIVISION", "469080"), service)
        return {
            "rates": Rates.from_environment(env),
            "pace": Pace.from_environment(env),
            "proxies": proxies_from(env),
            "kafka": kafka,
            "working_hours": _hours(env.get("ROLLCALL_WORKING_HOURS") or "6-22"),
            "second_factor": _kinds(env.get("ROLLCALL_SECOND_FACTOR", "")),
        }
    except ValueError as odd:
        raise SettingMissing(str(odd)) from None


def _hours(told: str) -> tuple[int, int]:
    """``6-22`` → (6, 22). Raises ValueError."""
    begins, _, ends = told.partition("-")
    if not (begins.isdecimal() and ends.isdecimal() and int(begins) < int(ends) <= 24):
        raise ValueError(f"ROLLCALL_WORKING_HOURS is {told!r}; give two hours of a day, like 6-22")
    return int(begins), int(ends)


def _kinds(told: str) -> frozenset[str]:
    """Kinds of post by name, with commas between. Raises ValueError."""
    kinds = frozenset(filter(None, map(str.strip, told.split(","))))
    if unknown := kinds - set(KINDS):
        raise ValueError(f"ROLLCALL_SECOND_FACTOR names no kind of post by {', '.join(sorted(unknown))}")
    return kinds


def _addresses(env: Mapping[str, str], first: int) -> dict[str, str]:
    local = {name: f"http://127.0.0.1:{first + offset}" for name, offset in PORT_OFFSETS.items()}
    return {name: env.get(f"ROLLCALL_{name.upper()}_URL") or url for name, url in local.items()}


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if not value:
        raise SettingMissing(f"{name} is not set")
    return value


def _count(env: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    text = env.get(name) or str(default)
    if not text.isdigit() or int(text) < least:
        raise SettingMissing(f"{name} is {text!r}; give a whole number, at least {least}")
    return int(text)


def _database_url(env: Mapping[str, str], service: str, name: str) -> str:
    own = env.get(f"DATABASE_URL_{service.upper()}")
    if own:
        if not conninfo_to_dict(own).get("dbname"):
            raise SettingMissing(f"DATABASE_URL_{service.upper()} names no database")
        return own
    server = env.get("ROLLCALL_ADMIN_DATABASE_URL")
    if not server:
        raise SettingMissing(f"neither DATABASE_URL_{service.upper()} nor ROLLCALL_ADMIN_DATABASE_URL is set")
    return make_conninfo(server, dbname=name)


def _variable(name: str) -> str:
    return "ROLLCALL_SECRET_" + name.upper().replace("-", "_")


def _given_secrets(env: Mapping[str, str]) -> dict[str, bytes]:
    prefix = "ROLLCALL_SECRET_"
    names = [variable for variable in env if variable.startswith(prefix)]
    named = {variable.removeprefix(prefix).lower().replace("_", "-"): env[variable] for variable in names}
    return {name: _decoded(name, text) for name, text in named.items()}


def _decoded(name: str, text: str) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except binascii.Error as broken:
        raise SettingMissing(f"secret {name} is not base64; restore it from its backup") from broken
    if name in TEXT_SECRETS:
        return value
    if len(value) != SECRET_BYTES:
        raise SettingMissing(f"secret {name} has {len(value)} bytes, {SECRET_BYTES} are needed")
    return value
