from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from deploy.checker import checker
from services.portal.app import application
from services.portal.people.demo_issuer import GROUPS, TWO_DESKS, DemoIssuer, DemoRefused, Persona
from services.portal.settings import PortalSettings
from shared.database.scopes import Classroom, Scope
from shared.standards.posts import KINDS, Kind
from shared.standards.rights import RIGHTS
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


OWN_CLASS: dict[str, Any] = {"school": "S1", "class_name": "primary/五年级/1班"}
PLACES: dict[Kind, tuple[dict[str, Any], Scope]] = {
    Kind.REGISTRAR: ({"school": "S1"}, Scope(school="S1")),
    Kind.PRINCIPAL: ({"school": "S1"}, Scope(school="S1")),
    Kind.CLASS_TEACHER: (OWN_CLASS, Scope(classroom=Classroom("S1", "primary", "五年级", "1班"))),
    Kind.HELPER_TEACHER: (OWN_CLASS, Scope(classroom=Classroom("S1", "primary", "五年级", "1班"))),
    Kind.AGENCY_PUBLISHER: ({"agency": "civil_affairs"}, Scope(agency="civil_affairs")),
    Kind.TOWNSHIP_CADRE: ({"township": "460100100"}, Scope(division="460100100")),
    Kind.CITY_OFFICER: ({}, Scope(division="4601")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_persona_sees_what_its_post_sees(kind: Kind) -> None:
    place, scope = PLACES.get(kind, ({}, Scope(division="460100")))
    found = viewer_from(authenticator().claims_now(issuer().token(Persona(kind, "460100", **place))), "zh")
    assert (found.kind, found.scope, found.rights) == (kind, scope, RIGHTS[kind])
    assert found.post == found.principal


def test_every_kind_of_post_stands_once_on_the_sign_in_page() -> None:
    assert sorted(kind for _, kinds in GROUPS for kind in kinds) == sorted(KINDS)


@pytest.mark.parametrize("kind", TWO_DESKS)
def test_a_second_desk_is_another_person_with_the_same_rights(kind: Kind) -> None:
    first, second = (
        viewer_from(authenticator().claims_now(issuer().token(Persona(kind, "460100", second=which))), "zh")
        for which in (False, True)
    )
    assert first.principal != second.principal and first.name != second.name
    assert (first.rights, first.scope) == (second.rights, second.scope)


@pytest.mark.parametrize(
    "persona",
    [
        Persona("registrar", "460100"),
        Persona("agency_publisher", "1"),
        Persona("service", "1"),
        Persona("class_teacher", "1", school="S1"),
        Persona("class_teacher", "1", class_name="/五年级/1班"),
        Persona("township_cadre", "460100"),
    ],
)
def test_a_persona_without_its_place_gets_no_token(persona: Persona) -> None:
    with pytest.raises(ValueError):
        issuer().token(persona)


def test_the_way_out_leads_back_to_its_own_page_only() -> None:
    page = "http://127.0.0.1:8000/signed-out"
    asked = dict(parse_qsl(urlsplit(issuer().leaving_address(page, "s t&a")).query))
    assert asked == {"client_id": "rollcall", "post_logout_redirect_uri": page, "state": "s t&a"}
    issuer().check_leaving(asked, page)
    for bent in (
        {"client_id": "another"},
        {"post_logout_redirect_uri": "https://evil.test/signed-out"},
        {"post_logout_redirect_uri": f"{page}/../steal"},
        {"post_logout_redirect_uri": page.replace("127.0.0.1", "127.0.0.1@evil.test")},
    ):
        with pytest.raises(ValueError):
            issuer().check_leaving(asked | bent, page)
    for missing in ("client_id", "post_logout_redirect_uri"):
        with pytest.raises(ValueError):
            issuer().check_leaving({name: value for name, value in asked.items() if name != missing}, page)


def test_a_token_lives_an_hour_at_most() -> None:
    token = issuer().token(Persona("aid_clerk", "460100"), seconds=10**9)
    assert authenticator(NOW + 3600).claims_now(token)
    with pytest.raises(Unauthenticated):
        authenticator(NOW + 3600 + 61).claims_now(token)


def test_a_person_at_work_stays_signed_in_for_a_working_day_and_no_longer() -> None:
    first = authenticator().claims_now(issuer().token(Persona("registrar", "460100", school="S1")))
    assert issuer(NOW + 60).renewed(first) is None
    later = issuer(NOW + 3000).renewed(first)
    assert later is not None
    renewed = authenticator(NOW + 6000).claims_now(later)
    same = {name: first[name] for name in ("sub", "kind", "school", "auth_time")}
    assert {name: renewed[name] for name in same} == same and renewed["exp"] == int(NOW + 3000 + 3600)
    assert issuer(NOW + 13 * 3600).renewed({**renewed, "exp": int(NOW + 13 * 3600 + 60)}) is None
    assert issuer(NOW + 3000).renewed({**first, "auth_time": None}) is None
