from __future__ import annotations

from pathlib import Path

import pytest

from deploy.checker import checker
from services.portal.app import application
from services.portal.demo_issuer import DemoIssuer, DemoRefused, Persona
from services.portal.settings import PortalSettings
from shared.web.authentication import Authenticator, Unauthenticated
from shared.web.viewers import viewer_from

SEED, NOW = bytes(range(32)), 1_700_000_000.0


def issuer(now: float = NOW, seed: bytes = SEED) -> DemoIssuer:
    return DemoIssuer(seed, issuer="i", audience="rollcall", environment="demo", now=lambda: now)


def authenticator(now: float = NOW) -> Authenticator:
    return Authenticator(issuer="i", audience="rollcall", jwks=issuer().jwks(), now=lambda: now)


def test_production_refuses_to_sign_in_anybody(tmp_path: Path) -> None:
    with pytest.raises(DemoRefused):
        DemoIssuer(SEED, issuer="i", audience="a", environment="production")
    with pytest.raises(DemoRefused):
        settings = PortalSettings("460100", "production", "i", "a", {}, demo_seed=SEED)
        application(settings, checker(tmp_path))


def test_the_same_seed_gives_the_same_key_and_never_the_private_half() -> None:
    assert issuer().jwks() == issuer().jwks() != issuer(seed=bytes(32)).jwks()
    assert "d" not in issuer().jwks()["keys"][0]


@pytest.mark.parametrize(
    ("persona", "scope"),
    [
        (Persona("aid_clerk", "460100"), ("460100", None, None)),
        (Persona("auditor", "460100"), ("460100", None, None)),
        (Persona("school", "460100", school="S1"), (None, "S1", None)),
        (Persona("agency", "460100", agency="civil_affairs"), (None, None, "civil_affairs")),
    ],
)
def test_each_persona_sees_what_its_role_sees(
    persona: Persona, scope: tuple[str | None, str | None, str | None]
) -> None:
    found = viewer_from(authenticator().claims_now(issuer().token(persona)), "zh")
    assert (found.scope.division, found.scope.school, found.scope.agency) == scope
    assert found.roles == {persona.role}


def test_a_second_clerk_is_another_person_with_the_same_rights() -> None:
    first, second = (
        viewer_from(authenticator().claims_now(issuer().token(Persona("aid_clerk", "460100", second=which))), "zh")
        for which in (False, True)
    )
    assert first.principal != second.principal and first.name != second.name
    assert (first.roles, first.scope) == (second.roles, second.scope)


@pytest.mark.parametrize("persona", [Persona("school", "460100"), Persona("agency", "1"), Persona("service", "1")])
def test_a_persona_without_its_place_gets_no_token(persona: Persona) -> None:
    with pytest.raises(ValueError):
        issuer().token(persona)


def test_a_token_lives_an_hour_at_most() -> None:
    token = issuer().token(Persona("aid_clerk", "460100"), seconds=10**9)
    assert authenticator(NOW + 3600).claims_now(token)
    with pytest.raises(Unauthenticated):
        authenticator(NOW + 3600 + 61).claims_now(token)


def test_a_person_at_work_stays_signed_in_for_a_working_day_and_no_longer() -> None:
    first = authenticator().claims_now(issuer().token(Persona("school", "460100", school="S1")))
    assert issuer(NOW + 60).renewed(first) is None
    later = issuer(NOW + 3000).renewed(first)
    assert later is not None
    renewed = authenticator(NOW + 6000).claims_now(later)
    same = {name: first[name] for name in ("sub", "roles", "school", "auth_time")}
    assert {name: renewed[name] for name in same} == same and renewed["exp"] == int(NOW + 3000 + 3600)
    assert issuer(NOW + 13 * 3600).renewed({**renewed, "exp": int(NOW + 13 * 3600 + 60)}) is None
    assert issuer(NOW + 3000).renewed({**first, "auth_time": None}) is None
