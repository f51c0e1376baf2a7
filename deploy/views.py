"""Which views can be replayed: those that any service declares in its ``views.py``, handed to audit from outside."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import services
from shared.eventsourcing.view import View, Views


def _declaring() -> Iterator[ModuleType]:
    """The ``views`` module of every service that has one, by the service's name."""
    for found in sorted(pkgutil.iter_modules(services.__path__), key=lambda module: module.name):
        name = f"services.{found.name}.views"
        if importlib.util.find_spec(name) is not None:
            yield importlib.import_module(name)


def _collected() -> Views:
    views: dict[str, View] = {}
    for module in _declaring():
        for view in module.VIEWS:
            if view.name in views:
                raise ValueError(f"two views are called {view.name}")
            views[view.name] = view
    return views


VIEWS: Views = _collected()
# Projections with rows of their own that nobody asks for, each with its reason.
NOT_REPLAYED: dict[str, str] = {name: reason for module in _declaring() for name, reason in module.NOT_REPLAYED.items()}
