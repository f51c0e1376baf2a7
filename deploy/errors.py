"""Why the start of a part is refused.

StartRefused
 ├─ PortTaken        another process listens on a port we need
 ├─ JavaMissing      no Java ≥ 17 on the system and no packaged one
 ├─ DiskTooFull      less free space than a start may need
 ├─ DownloadFailed   a pinned file could not be fetched or has the wrong content
 ├─ PartFailed       a process we started ended or never became ready
 ├─ AlreadyRunning   another supervisor holds this home
 └─ TopicMismatch    an existing topic has another partition count

Every message is one line that says what to do; the command line prints it and exits with 1.
"""

from __future__ import annotations


class StartRefused(Exception):
    """A start was refused; `str()` is one line for a person."""


class PortTaken(StartRefused):
    """Another process listens on a port we need."""

    def __init__(self, port: int, holder: str, purpose: str, remedy: str) -> None:
        super().__init__(f"port {port} ({purpose}) is held by {holder}; {remedy}")
        self.port = port
        self.holder = holder


class JavaMissing(StartRefused):
    """Neither the system nor the installed packages offer a Java that can run the broker."""


class DiskTooFull(StartRefused):
    """Less free space than a start may need."""


class DownloadFailed(StartRefused):
    """A pinned file could not be fetched or has the wrong content."""


class PartFailed(StartRefused):
    """A process we started ended or never became ready."""


class AlreadyRunning(StartRefused):
    """Another supervisor holds this home."""


class TopicMismatch(StartRefused):
    """An existing topic has another partition count than the one declared."""
