from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request

from shared.database.scopes import Classroom, Scope
from shared.kernel.refusals import Forbidden
from shared.standards.posts import KINDS, POSTS, Kind, Shape
from shared.standards.rights import RIGHTS, Right
from shared.web.viewers import Viewer, require, viewer_from
from tests.shared.web.tokens import claims

NOTHING = Scope()
OWN = Classroom("S1", "primary", "五年级", "1班")
# What a token of each shape names, and the scope that is made of it.
PLACES: dict[Shape, tuple[dict[str, str], Scope]] = {
    Shape.DIVISION: ({"division": "460107100"}, Scope(division="460107100")),
    Shape.SCHOOL: ({"school": "S1"}, Scope(school="S1")),
    Shape.CLASS: ({"school": "S1", "class": "primary/五年级/1班"}, Scope(classroom=OWN)),
    Shape.AGENCY: ({"agency": "civil"}, Scope(agency="civil")),
    Shape.DIVISION_OR_SCHOOL: ({"division": "460107100"}, Scope(division="460107100")),
}
EVERYWHERE = {"division": "460107100", "school": "S1", "class": "primary/五年级/1班", "agency": "civil"}


def seen(**told: Any) -> Viewer:
    return viewer_from(claims(**{"division": None, **told}), "zh")


@pytest.mark.parametrize("kind", list(Kind))
def test_the_scope_follows_the_kind_of_post_whatever_else_a_token_names(kind: Kind) -> None:
    place, scope = PLACES[POSTS[kind].shape]
    assert seen(kind=kind.value, **place).scope == seen(kind=kind.value, **EVERYWHERE).scope == scope
    assert seen(kind=kind.value).scope == NOTHING
    assert seen(kind=kind.value, **place).rights == RIGHTS[kind]


@pytest.mark.parametrize(
    "told",
    [
        {"kind": "registrar", "school": ""},
        {"kind": "registrar", "school": "S 1"},
        {"kind": "registrar", "school": "x" * 65},
        {"kind": "registrar", "school": ["S1"]},
        *({"kind": "aid_clerk", "division": odd} for odd in ("", "%", "4", "460", "4601001", "٤٦", 460100, "460100 ")),
        *({"kind": "aid_clerk", "division": odd} for odd in ("00", "004601")),
        *(
            {"kind": "class_teacher", "school": "S1", "class": odd}
            for odd in ("", "primary", "primary/五年级", "primary//1班", "primary/五年级/", 5, f"/五年级/{'x' * 41}")
        ),
        {"kind": "class_teacher", "class": "primary/五年级/1班"},
        {"kind": "agency_publisher", "agency": "a b"},
        {"kind": "headmaster", "division": "460100"},
        {"kind": "AID_CLERK", "division": "460100"},
        {"kind": "", "division": "460100"},
        {"kind": ["aid_clerk"], "division": "460100"},
        {"kind": None, "roles": ["aid_clerk"], "division": "460100"},
    ],
)
def test_an_odd_claim_shows_nothing_and_never_everything(told: dict[str, Any]) -> None:
    assert seen(**told).scope == NOTHING


def test_no_post_is_wider_than_its_kind_however_its_place_is_spelled() -> None:
    """469001000 is all of the county 469001: an auditor may answer for it, a township's cadre not."""
    assert seen(kind="auditor", division="469001000").scope == Scope(division="469001")
    assert seen(kind="township_cadre", division="469001000").scope == NOTHING
    assert seen(kind="township_cadre", division="469001100000").scope == Scope(division="469001100")
    assert seen(kind="city_officer", division="460000").scope == Scope(division="46")


def test_an_unknown_kind_of_post_holds_no_right() -> None:
    nobody = seen(kind="headmaster", division="460100")
    assert (nobody.kind, nobody.rights) == (None, frozenset())
    assert not nobody.has(*Right)


def test_a_class_may_leave_its_stage_open_and_be_named_with_a_slash() -> None:
    assert seen(kind="helper_teacher", school="S1", **{"class": "/五年级/1/2班"}).scope == Scope(
        classroom=Classroom("S1", "", "五年级", "1/2班")
    )


def test_an_administrator_of_a_school_sees_the_school_and_one_of_a_division_the_division() -> None:
    assert seen(kind="account_administrator", school="S1").scope == Scope(school="S1")
    assert seen(kind="account_administrator", school="S1", division="4601").scope == Scope(division="4601")


def test_a_viewer_tells_the_post_the_session_and_how_the_post_is_held() -> None:
    told = seen(kind="approver", post="p7", sid="s1", emergency="e1", delegated="d1", name="李审批", division="4601")
    assert (told.principal, told.name, told.kind) == ("u1", "李审批", Kind.APPROVER)
    assert (told.post, told.session, told.emergency, told.delegated) == ("p7", "s1", "e1", "d1")
    assert told.expires_at > 0 and told.language == "zh"
    odd = seen(kind="approver", post=7, sid=["s"], emergency=None, delegated={}, name=3)
    assert (odd.name, odd.post, odd.session, odd.emergency, odd.delegated) == ("", "", "", "", "")


def test_every_kind_of_post_has_a_name_a_shape_and_rights() -> None:
    assert set(POSTS) == set(RIGHTS) == set(Kind) and len(KINDS) == 13 and Kind.SERVICE not in KINDS
    for kind, post in POSTS.items():
        assert (
            post.zh and post.en and (post.digits is None) == (post.shape in (Shape.SCHOOL, Shape.CLASS, Shape.AGENCY))
        )
        assert Right.SIGNED_IN in RIGHTS[kind]


def test_a_rule_lets_in_who_holds_one_of_its_rights_and_tells_the_others_what_is_needed() -> None:
    rule = require(Right.CHANGES_PROPOSE, Right.CHANGES_APPROVE)
    for kind, permitted in (("aid_clerk", True), ("approver", True), ("cashier", False)):
        request = Request({"type": "http"})
        request.state.viewer = seen(kind=kind, division="460100")
        if permitted:
            assert asyncio.run(rule(request)) is request.state.viewer
        else:
            with pytest.raises(Forbidden) as refused:
                asyncio.run(rule(request))
            assert refused.value.facts == {"needs": ["changes.approve", "changes.propose"]}


def test_a_rule_without_rights_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="at least one right"):
        require()


def test_a_division_post_is_given_at_its_own_level() -> None:
    centre, any_level = (2, 6), (2, 12)
    assert {kind.value: post.digits for kind, post in POSTS.items() if post.digits is not None} == {
        **dict.fromkeys(("aid_clerk", "reviewer", "cashier", "approver"), centre),
        **dict.fromkeys(("auditor", "account_administrator", "service"), any_level),
        "township_cadre": (9, 12),
        "city_officer": (2, 4),
    }
