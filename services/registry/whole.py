"""What is stated for the whole installation at once is stated by who answers for all of it.

A file of a list is compared with the one before, and a school's record replaces the one there was: sent by a clerk of
one county of a city, it would end or change what belongs to another.
"""

from __future__ import annotations

from services.registry.errors import WholeDivisionOnly
from shared.web.viewers import Viewer


def whole_only(viewer: Viewer, division: str) -> None:
    """Raises WholeDivisionOnly unless the viewer answers for all of ``division``, the installation's."""
    if not viewer.scope.holds(division):
        raise WholeDivisionOnly
