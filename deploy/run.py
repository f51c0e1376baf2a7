"""Runs one service: ``python -m deploy.run <service> [--roles api,relay,processor]``.

The composition root of a process: it alone knows every service. Settings come from the environment
(shared/hosting/settings.py); the port is the service's offset from ROLLCALL_PORT, or ROLLCALL_LISTEN_PORT.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys

from deploy.priority import give_way
from shared.hosting import runtime
from shared.hosting.ports import PORT_OFFSETS
from shared.hosting.service import Service
from shared.hosting.settings import SettingMissing, Settings
from shared.web.logs import configure_logs

FOLLOWING_NICENESS = 12  # a fifteenth of what the registry weighs; chosen by measuring (ADR 0057)


def settings_of(name: str) -> Settings:
    """The settings of a process. Raises SettingMissing."""
    settings = Settings.from_environment(name)
    port = os.environ.get("ROLLCALL_LISTEN_PORT")
    return dataclasses.replace(settings, port=int(port)) if port else settings


def built(name: str, settings: Settings) -> Service:
    """The service of that name, wired. Opens no connection."""
    if name == "access":
        from services.access import app as access

        return access.build(settings)
    if name == "registry":
        from services.registry import app as registry

        return registry.build(settings)
    if name == "matching":
        from services.matching import app as matching

        return matching.build(settings)
    if name == "disbursement":
        from services.disbursement import app as disbursement

        return disbursement.build(settings)
    if name == "visits":
        from services.visits import app as visits

        return visits.build(settings)
    if name == "notifications":
        from services.notifications import app as notifications

        return notifications.build(settings)
    from deploy.counterfactual.child import compute
    from deploy.views import VIEWS
    from services.audit import app as audit

    return audit.build(settings, VIEWS, compute)


def main() -> None:
    """Run the service named on the command line until it is told to stop."""
    parser = argparse.ArgumentParser(prog="python -m deploy.run", description="Run one service of Rollcall.")
    parser.add_argument("service", choices=sorted(PORT_OFFSETS))
    parser.add_argument("--roles", default=os.environ.get("ROLLCALL_ROLES") or ",".join(runtime.ROLES))
    given = parser.parse_args()
    roles = frozenset(filter(None, given.roles.split(",")))
    if unknown := roles - set(runtime.ROLES):
        parser.error(f"unknown role {', '.join(sorted(unknown))}; roles are {', '.join(runtime.ROLES)}")
    configure_logs(given.service)
    try:
        settings = settings_of(given.service)
        if given.service == "portal":
            from deploy.checker import checker
            from services.portal import app as portal

            runtime.serve(portal.build(settings, checker(settings.home)).app, settings.port, settings.proxies)
        else:
            if given.service not in ("registry", "access"):
                # On few cores what is told is taken in first; what follows from it then comes in larger batches.
                give_way(FOLLOWING_NICENESS)
            runtime.run(built(given.service, settings), settings, roles)
    except SettingMissing as missing:
        sys.exit(f"{given.service}: {missing}")


if __name__ == "__main__":
    main()
