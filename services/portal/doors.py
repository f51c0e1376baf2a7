"""Where a person may go: an address is a link for whom its route opens, and plain text for everybody else.

The rights are those that the route itself names (``permit`` in session.py); nothing is listed a second time. Addresses
below /api are their services', whose rules the portal does not know: they stay as the page wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from functools import lru_cache
from html import unescape
from urllib.parse import urlsplit

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match

from services.portal.session import Permission
from shared.standards.rights import Right

Rules = tuple[frozenset[Right], ...]  # of each one right is needed
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ANY_ID = "00000000-0000-0000-0000-000000000000"
_LINK = re.compile(r'<a\b(?P<named>[^<>]*?)\shref="(?P<address>[^"]*)"(?P<more>[^<>]*)>(?P<text>.*?)</a>', re.DOTALL)
_SHAPES = 4096


class Doors:
    """The routes of the portal in the order in which it looks for an address."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = [route for route in routes if isinstance(route, APIRoute)]
        self._rules = lru_cache(_SHAPES)(self._find)

    def rules(self, path: str, method: str = "GET") -> Rules:
        """What the route of ``path`` asks for; nothing where anybody may go, or nothing is there."""
        return self._rules(_ID.sub(_ANY_ID, path), method)

    def opens(self, rights: Set[Right], address: str, method: str = "GET") -> bool:
        """Whether who holds ``rights`` may go to ``address``; one without a path is the page itself."""
        path = urlsplit(address).path
        return all(not rights.isdisjoint(rule) for rule in self.rules(path, method)) if path.startswith("/") else True

    def closed(self, html: str, rights: Set[Right]) -> str:
        """``html`` with the text alone of every link that does not open; a link that is a button is an offer, and one
        that cannot be taken up is not made."""

        def shown(link: re.Match[str]) -> str:
            if self.opens(rights, unescape(link["address"])):
                return link[0]
            return "" if 'class="button' in link["named"] + link["more"] else link["text"]

        return _LINK.sub(shown, html)

    def _find(self, path: str, method: str) -> Rules:
        scope = {"type": "http", "path": path, "method": method, "root_path": "", "path_params": {}, "headers": []}
        for route in self._routes:
            if route.matches(scope)[0] is Match.FULL:
                needed = (each.dependency for each in route.dependencies)
                return tuple(frozenset(each.rights) for each in needed if isinstance(each, Permission))
        return ()
