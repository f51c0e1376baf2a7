"""Which processes serve one installation, in the order of their start: the whole topology on one page.

The embedded default runs each service's roles together. A larger installation runs them apart by listing a service
several times with other ``--roles`` (ROLLCALL_PROCESSES names the module to read).
"""

from __future__ import annotations

from deploy.spec import ProcessSpec
from shared.hosting.ports import PORT_OFFSETS

ALL = ("api", "relay", "processor")


def _service(name: str) -> ProcessSpec:
    return ProcessSpec(name, "deploy.run", (name,), port_offset=PORT_OFFSETS[name], roles=ALL)


PROCESSES: list[ProcessSpec] = [
    _service("access"),
    _service("registry"),
    _service("matching"),
    _service("disbursement"),
    _service("visits"),
    _service("notifications"),
    _service("audit"),
    _service("portal"),
]
