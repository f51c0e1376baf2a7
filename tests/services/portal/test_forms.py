"""A refusal as the page of its form says it."""

from __future__ import annotations

from typing import cast

import pytest

from services.portal.backends import Caller, Refused
from services.portal.forms import refusal_shown
from services.portal.session import Opening
from services.portal.texts import Texts
from shared.kernel.refusals import Malformed
from shared.web.languages import Language
from shared.web.viewers import Viewer


def reader(language: Language) -> Opening:
    return Opening(cast(Viewer, None), language, Texts(language), cast(Caller, None), "")


def test_what_the_page_refused_is_said_in_the_readers_language() -> None:
    wrong = Malformed("请填写日期", "Give a date")
    assert refusal_shown(reader("zh"), wrong, ()) == {"status": 422, "complaint": "请填写日期"}
    assert refusal_shown(reader("en"), wrong, ()) == {"status": 422, "complaint": "Give a date"}


def test_what_a_service_refused_is_said_as_it_came_where_the_person_can_go_on() -> None:
    refused = Refused(409, {"code": "stale", "detail": "已被他人更新"})
    assert refusal_shown(reader("zh"), refused, (409,)) == {"status": 409, "complaint": "已被他人更新"}
    assert refusal_shown(reader("zh"), refused)["status"] == 409
    with pytest.raises(Refused):
        refusal_shown(reader("zh"), refused, (422,))


def test_a_refusal_without_a_sentence_is_not_shown_as_nothing() -> None:
    assert refusal_shown(reader("zh"), Refused(413, {}))["complaint"] == "处理未成功"
    assert refusal_shown(reader("zh"), None, (409,)) == {"status": 200, "complaint": ""}
