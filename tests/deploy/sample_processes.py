"""A small system for the supervisor's tests, named in ROLLCALL_PROCESSES; not a test."""

from __future__ import annotations

from deploy.spec import ProcessSpec

MODULE = "tests.deploy.sample_service"
PROCESSES = [
    ProcessSpec("prepare", MODULE, ("--step",), kind="step"),
    ProcessSpec("portal", MODULE, port_offset=0, roles=("api",)),
    ProcessSpec("registry", MODULE, port_offset=1, roles=("api", "relay")),
]
