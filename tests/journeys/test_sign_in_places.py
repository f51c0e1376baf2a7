"""Whoever signs in with one click as an agency may send that agency's own list."""

from __future__ import annotations

from services.portal.people.demo_issuer import AGENCIES as PERSONAS
from services.registry.lists.submissions import AGENCIES as OWNERS
from tests.support.people import AGENCIES as SENDERS


def test_every_agency_of_the_demonstration_owns_a_list() -> None:
    lists = ("poverty", "civil", "disability")
    assert set(PERSONAS) == {OWNERS[name] for name in lists}
    assert dict(SENDERS) == {name: OWNERS[name] for name in lists}
