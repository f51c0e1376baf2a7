"""A taken port is named with its holder, and an answer counts only from our own process."""

from __future__ import annotations

import os
import socket
import subprocess

import pytest

from deploy.errors import PortTaken
from deploy.ports import free_port, is_taken, listens, require_free


def test_a_taken_port_names_the_process_that_holds_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken) as refused:
            require_free(port, "page")
        assert f"port {port} (page) is held by process {os.getpid()}" in str(refused.value)
        assert "ROLLCALL_PORT" in str(refused.value)


def test_a_port_left_by_a_closed_server_is_free() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as server:
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = server.accept()
        accepted.close()
        client.close()
    assert not is_taken(port)
    require_free(port, "page")


def test_the_listener_is_told_apart_from_a_stranger() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert listens(os.getpid(), port)
        stranger = subprocess.Popen(["sleep", "60"])
        try:
            assert not listens(stranger.pid, port)
        finally:
            stranger.kill()
            stranger.wait()
    assert not listens(os.getpid(), port)
