"""Loopback ports: who holds one, and is the process that answers the one we started."""

from __future__ import annotations

import errno
import random
import socket
import time

import psutil

from deploy.errors import PortTaken

LOOPBACK = "127.0.0.1"
NOBODY_KNOWN = "another process"
# A killed process with many threads (a JVM) is already gone by its pid while the last of them still closes its sockets.
SETTLE_SECONDS = 5.0
_OURS = (10_000, 32_000)
_TRIES = 100


def free_port() -> int:
    """A loopback port that nobody listened on a moment ago, from below those that the kernel gives to connections on
    their way out: one of these would be taken again before its server starts. Raises PortTaken after many tries."""
    chance = random.SystemRandom()  # a test that seeds the ordinary one would get the same port again
    for _ in range(_TRIES):
        port = chance.randrange(*_OURS)
        if not is_taken(port):
            return port
    raise PortTaken(port, holder(port), "any free port", "end what listens on all of them")


def is_taken(port: int) -> bool:
    """Whether a bind to `port` on the loopback address is refused because somebody listens there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # The same option our servers use: connections of a former server in TIME_WAIT do not count as a holder.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return True
            raise
    return False


def holder(port: int) -> str:
    """The process listening on `port`, in words; other users' processes stay unnamed without the right to see them."""
    try:
        listening = [
            each
            for each in psutil.net_connections(kind="tcp")
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port
        ]
    except psutil.AccessDenied:
        listening = []
    for each in listening:
        if each.pid is None:
            continue
        try:
            return f"process {each.pid} ({psutil.Process(each.pid).name()})"
        except psutil.NoSuchProcess:
            continue
    return NOBODY_KNOWN


def require_free(port: int, purpose: str, remedy: str = "stop it or set ROLLCALL_PORT to another range") -> None:
    """Refuse with the holder's name when `port` is taken.

    Raises: PortTaken.
    """
    deadline = time.monotonic() + SETTLE_SECONDS
    while is_taken(port):
        found = holder(port)
        if found != NOBODY_KNOWN or time.monotonic() > deadline:
            raise PortTaken(port, found, purpose, remedy)
        time.sleep(0.1)


def listens(pid: int, port: int) -> bool:
    """Whether process `pid` or one of its children is the listener on `port`.

    A health check that answers proves only that somebody answers; this proves who.
    """
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return False
    for process in family:
        try:
            connections = process.net_connections(kind="tcp")
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        for each in connections:
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port:
                return True
    return False
