"""Forms of the page that become commands of a service. Each form carries the command's id, so sending it twice (a
double click, a reload) does it once."""

from __future__ import annotations

import json
import re
from collections.abc import Container
from typing import Annotated, Any, TypedDict
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Refused
from services.portal.session import Opening, check_form, inside
from shared.kernel.refusals import Malformed, Refusal

_REFERENCE_CHARACTERS = 200
_ADDRESS_CHARACTERS = 2_000  # a filter of Chinese words is long in an address


async def sent_form(request: Request) -> FormData:
    """FastAPI dependency: the form, after its guard. Raises FormExpired."""
    form = await request.form(max_files=0, max_fields=50)
    check_form(request, form.get("form_token"))
    return form


Sent = Annotated[FormData, Depends(sent_form)]


def text(form: FormData, name: str) -> str:
    """A field's text without surrounding blanks."""
    value = form.get(name)
    return value.strip()[:_REFERENCE_CHARACTERS] if isinstance(value, str) else ""


def long_text(form: FormData, name: str, characters: int) -> str:
    """The same of a field that holds more, at most ``characters``."""
    value = form.get(name)
    return value.strip()[:characters] if isinstance(value, str) else ""


def command_id(form: FormData) -> str:
    """The id the form was made with. Raises Malformed."""
    try:
        return str(UUID(text(form, "command_id")))
    except ValueError:
        raise Malformed("表单不完整,请刷新后重试", "The form is incomplete; reload and try again") from None


def command_of(form: FormData, said: Any) -> str:
    """The same form with the same content is one command, another content another. Raises Malformed."""
    return str(uuid5(UUID(command_id(form)), json.dumps(said, sort_keys=True)))


def place_of(form: FormData, otherwise: str) -> str:
    """The address at which the form stood, as the form says; always one of this site."""
    return inside(long_text(form, "back", _ADDRESS_CHARACTERS) or None, otherwise)


def back(form: FormData, done: str, otherwise: str) -> Response:
    """To where the form stood, with the sentence of what was done."""
    parts = urlsplit(place_of(form, otherwise))
    query = "&".join(part for part in parts.query.split("&") if part and not part.startswith("done="))
    return RedirectResponse(f"{parts.path}?{query}&done={done}" if query else f"{parts.path}?done={done}", 303)


class Shown(TypedDict):
    """How a page is shown: ``status`` 200 and no ``complaint``, or those of a refusal."""

    status: int
    complaint: str


def refusal_shown(opened: Opening, refused: Refused | Refusal | None, among: Container[int] | None = None) -> Shown:
    """A refusal as the page of the form says it, in the reader's language; None: there was none. ``among``: the
    statuses of a service after which the person goes on on that page, None every one; raises a service's refusal with
    another. What the page itself refused is always said."""
    if refused is None:
        return {"status": 200, "complaint": ""}
    if isinstance(refused, Refusal):
        return {"status": refused.status, "complaint": refused.en if opened.language == "en" else refused.zh}
    if among is not None and refused.status not in among:
        raise refused
    return {"status": refused.status, "complaint": refused.detail or opened.texts("error.title_other")}


def day(form: FormData, name: str) -> str:
    """A day as typed. Raises Malformed."""
    typed = text(form, name)
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", typed):
        raise Malformed("请填写日期", "Give a date", field=name)
    return typed
