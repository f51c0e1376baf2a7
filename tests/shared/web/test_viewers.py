from __future__ import annotations

from typing import Any

import pytest

from shared.database.scopes import Scope
from shared.web.viewers import require, viewer_from
from tests.shared.web.tokens import claims

NOTHING = Scope(division=None, school=None, agency=None)


@pytest.mark.parametrize(
    ("told", "scope"),
    [
        ({"roles": ["aid_clerk"]}, Scope(division="460100", school=None, agency=None)),
        ({"roles": ["auditor"]}, Scope(division="460100", school=None, agency=None)),
        ({"roles": ["school"], "school": "S1"}, Scope(division=None, school="S1", agency=None)),
        ({"roles": ["agency"], "agency": "civil"}, Scope(division=None, school=None, agency="civil")),
        ({"roles": ["school"]}, NOTHING),
        ({"roles": ["school"], "school": ""}, NOTHING),
        ({"roles": ["aid_clerk"], "division": ""}, NOTHING),
        ({"roles": ["aid_clerk"], "division": "%"}, NOTHING),
        ({"roles": ["aid_clerk"], "division": "4"}, NOTHING),
        ({"roles": ["aid_clerk"], "division": 460100}, NOTHING),
        ({"roles": []}, NOTHING),
        ({"roles": ["root"]}, NOTHING),
        ({"roles": "aid_clerk"}, NOTHING),
        ({"roles": [["aid_clerk"]]}, NOTHING),
    ],
)
def test_the_scope_follows_the_role_and_fails_closed(told: dict[str, Any], scope: Scope) -> None:
    assert viewer_from(claims(**told), "zh").scope == scope


def test_a_role_nobody_declared_cannot_be_required() -> None:
    with pytest.raises(ValueError, match="unknown roles"):
        require("headmaster")
