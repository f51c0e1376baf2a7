"""PostgreSQL of one service: its database, roles, numbered schema steps, and transactions that carry a scope."""

from shared.database.database import Database, NoLiveBuild, driver
from shared.database.scopes import APP_ROLE, NO_SCOPE, WORKER_ROLE, Scope, scope_policies
from shared.database.steps import Step, StepChanged

__all__ = [
    "APP_ROLE",
    "NO_SCOPE",
    "WORKER_ROLE",
    "Database",
    "NoLiveBuild",
    "Scope",
    "Step",
    "StepChanged",
    "driver",
    "scope_policies",
]
