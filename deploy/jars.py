"""The broker's jars: fetched by coordinate through jgo, each checked against the SHA-256 in `kafka-jars.lock`.

jgo writes a download straight to its final name and trusts whatever it finds there, so an interrupted run would leave a
torn jar for ever; the hash check finds it and fetches it again. The list in the lock file also saves resolving the
dependency tree (about 20 s) at the first start.

To change a version: edit ROOTS, then `python -m deploy.jars` writes the lock file anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.errors import DownloadFailed

KAFKA_VERSION = "4.1.0"
ROOTS = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    f"org.apache.kafka:kafka-tools:{KAFKA_VERSION}",
    "org.slf4j:slf4j-simple:1.7.36",
)
LOCK_FILE = Path(__file__).with_name("kafka-jars.lock")
PARALLEL_DOWNLOADS = 8
DOWNLOAD_ATTEMPTS = 3


@dataclass(frozen=True)
class Jar:
    """One pinned jar."""

    group: str
    artifact: str
    version: str
    sha256: str

    def path(self, repository: Path) -> Path:
        """Where a Maven repository keeps it."""
        folder = repository.joinpath(*self.group.split("."), self.artifact, self.version)
        return folder / f"{self.artifact}-{self.version}.jar"

    def intact(self, repository: Path) -> bool:
        """Whether it is there with the pinned content."""
        try:
            with self.path(repository).open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest() == self.sha256
        except FileNotFoundError:
            return False


def repository() -> Path:
    """The jar cache: `$ROLLCALL_CACHE/m2`, else the Maven repository that jgo uses (`~/.m2/repository`)."""
    chosen = os.environ.get("ROLLCALL_CACHE")
    if chosen:
        return Path(chosen) / "m2"
    from jgo.constants import default_maven_repo

    return Path(default_maven_repo())


def classpath(progress: Callable[[str], None] | None = None) -> str:
    """The broker's class path, every jar present and intact; fetches what is missing.

    Raises: DownloadFailed.
    """
    jars = read_lock()
    store = repository()
    missing = _not_intact(jars, store)
    if missing:
        _fetch_under_lock(jars, store, progress or (lambda line: None))
    return ":".join(str(jar.path(store)) for jar in jars)


def read_lock(path: Path = LOCK_FILE) -> list[Jar]:
    """The pinned jars in class path order; lines are `group:artifact:version sha256`."""
    jars = []
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            coordinate, sha256 = line.split()
            group, artifact, version = coordinate.split(":")
            jars.append(Jar(group, artifact, version, sha256))
    return jars


def _not_intact(jars: Iterable[Jar], store: Path) -> list[Jar]:
    return [jar for jar in jars if not jar.intact(store)]


def _fetch_under_lock(jars: list[Jar], store: Path, progress: Callable[[str], None]) -> None:
    try:
        store.mkdir(parents=True, exist_ok=True)
        guard = (store / ".rollcall.lock").open("w")
    except OSError as error:
        raise DownloadFailed(
            f"cannot write {store} ({error.strerror}); set ROLLCALL_CACHE to a folder of yours"
        ) from None
    with guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        missing = _not_intact(jars, store)  # another run may have fetched them while we waited
        if not missing:
            return
        progress(f"Fetching {len(missing)} Kafka jars (once)")
        context = _maven(store)
        with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
            list(pool.map(lambda jar: _fetch(context, jar, store), missing))


def _maven(store: Path) -> Any:
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    return MavenContext(repo_cache=store, remote_repos={"central": MAVEN_CENTRAL_URL})


def _fetch(context: Any, jar: Jar, store: Path) -> None:
    reason = "its content differs from the pinned one"
    for _ in range(DOWNLOAD_ATTEMPTS):
        jar.path(store).unlink(missing_ok=True)
        try:
            context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors; jgo raises RuntimeError
            reason = str(error).split("\n", 1)[0][:200]
            continue
        if jar.intact(store):
            return
    jar.path(store).unlink(missing_ok=True)
    raise DownloadFailed(
        f"cannot fetch {jar.group}:{jar.artifact}:{jar.version} for the embedded Kafka ({reason}); "
        "check the network and run again, or set KAFKA_BOOTSTRAP_SERVERS to an outside Kafka"
    )


def write_lock(path: Path = LOCK_FILE) -> None:
    """Resolve ROOTS anew and pin what comes out."""
    import jgo

    artifacts = jgo.resolve("+".join(ROOTS))
    with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
        found = list(pool.map(lambda artifact: Path(artifact.resolve()), artifacts))
    lines = ["# Class path of the embedded Kafka: group:artifact:version sha256. Written by `python -m deploy.jars`."]
    for artifact, jar in zip(artifacts, found, strict=True):
        digest = hashlib.sha256(jar.read_bytes()).hexdigest()
        lines.append(f"{artifact.groupId}:{artifact.artifactId}:{artifact.version} {digest}")
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    write_lock()
