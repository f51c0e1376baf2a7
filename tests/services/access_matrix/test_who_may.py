"""Every route of every service has a rule, and lets in exactly the posts that who_may.txt names."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.events_doc import SERVICES
from services.portal.tables.menu import NAVIGATION
from shared.standards.posts import Kind
from shared.standards.rights import RIGHTS, Right, held_by
from shared.web.descriptions import RIGHT_FIELD
from tests.services.access_matrix.oracle import who_may
from tests.services.test_openapi import described, operations
from tests.support.post_letters import LETTERS

# Asked with another secret than a token (the witness's, a session's, a password, a key, the operator's), or
# open, because tokens are checked by it; tests/services/access tries them.
BY_SECRET = (
    *("/v1/log/store", "/v1/log/store/tiles"),
    *("/v1/sign-in", "/v1/sign-out", "/v1/token", "/v1/session/post", "/v1/agency-token", "/v1/administrators"),
    *(
        "/v1/me",
        "/v1/me/sign-ins",
        "/v1/me/password",
        "/v1/me/emergency",
        "/v1/me/emergency/end",
        "/v1/me/second-factor",
    ),
    *("/v1/me/second-factor/confirm", "/v1/me/second-factor/remove", "/v1/jwks.json", "/v1/revocations"),
    *("/v1/me/handovers", "/v1/me/handovers/{handover_id}", "/v1/me/handovers/{handover_id}/items"),
    *("/v1/me/handovers/{handover_id}/sheet.xlsx", "/v1/me/handovers/{handover_id}/differences"),
    *("/v1/me/handovers/{handover_id}/sign", "/v1/me/handovers/{handover_id}/withdraw"),
    *("/v1/oidc/begin", "/v1/oidc/finish", "/v1/oidc/code"),
    *("/v1/me/identities", "/v1/me/identities/finish", "/v1/me/identities/{identity_id}/unlink"),
)


def rules(home: Path) -> dict[tuple[str, str, str], list[str] | None]:
    found: dict[tuple[str, str, str], list[str] | None] = {}
    for name in dict.fromkeys([*SERVICES, "audit"]):
        _, told = described(name, home)
        for path, method, operation in operations(told):
            if path.startswith("/v1/") and path not in BY_SECRET:
                found[name, method.upper(), path.removeprefix("/v1")] = operation.get(RIGHT_FIELD)
    return found


@pytest.fixture(scope="module")
def rights_asked(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, str], list[str] | None]:
    return rules(tmp_path_factory.mktemp("rules"))


def test_a_route_without_a_rule_or_without_a_line_in_the_table_fails(
    rights_asked: dict[tuple[str, str, str], list[str] | None],
) -> None:
    assert [route for route, rights in rights_asked.items() if not rights] == []
    assert set(rights_asked) == set(who_may()), "say in who_may.txt who may ask it"


def test_each_route_lets_in_the_posts_of_the_table_and_no_other(
    rights_asked: dict[tuple[str, str, str], list[str] | None],
) -> None:
    for route, expected in who_may().items():
        rights = {Right(right) for right in rights_asked[route] or ()}
        assert {kind.value for kind in Kind if held_by(kind) & rights} == expected, route


def test_each_right_is_asked_for_somewhere_and_held_by_somebody(
    rights_asked: dict[tuple[str, str, str], list[str] | None],
) -> None:
    asked = {Right(right) for rights in rights_asked.values() for right in rights or ()}
    by_pages = {right for _, _, rights in NAVIGATION for right in rights}
    assert asked | by_pages == set(Right)
    assert set().union(*RIGHTS.values()) == set(Right)


def test_the_table_names_every_kind_of_post() -> None:
    assert set(LETTERS.values()) == {kind.value for kind in Kind}


def test_who_prepares_does_not_approve_and_the_account_administrator_sees_no_child() -> None:
    table = who_may()
    approving = [kinds for (_, _, path), kinds in table.items() if path.endswith(("/activation", "/disburse"))]
    approving += [kinds for (_, _, path), kinds in table.items() if path == "/changes/{change_id}/approve"]
    assert len(approving) == 3 and not any("aid_clerk" in kinds for kinds in approving)
    public = ("/log/", "/reference/", "/schools", "/witness")
    for (service, _, path), kinds in table.items():
        assert "account_administrator" not in kinds or service == "access" or path.startswith(public), path
