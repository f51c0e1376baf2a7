"""What happened to one row of the reference data: a school, a division code, a calendar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.portal.backends import Backends
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from services.portal.texts import Texts
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
Kind = Literal["schools", "divisions", "calendars"]
_HIDDEN = frozenset(("content_hash",))


@router.get("/reference/{kind}/{row}", dependencies=[permit(Right.REFERENCE_READ)])
async def history(request: Request, kind: Kind, row: str, opened: Opened) -> Response:
    """The row's history, newest first."""
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    told = await backends.get(opened.caller, "registry", f"/v1/reference/{kind}/{row}/history")
    happened = [each | {"said": list(_said(each["fields"], opened.texts))} for each in told.body]
    return rendering.page(request, opened, "reference_history.html", kind=kind, row=row, happened=happened)


def _said(fields: Mapping[str, Any], texts: Texts) -> Iterator[tuple[str, str]]:
    """(word, text) of what a fact says; empty fields stay out, a calendar's content is told field by field."""
    for name, value in fields.items():
        if name == "content" and isinstance(value, Mapping):
            yield from _said(value, texts)
        elif name not in _HIDDEN and value not in (None, "", []):
            yield texts.label("reference_field", name), _words(name, value, texts)


def _words(name: str, value: Any, texts: Texts) -> str:
    if isinstance(value, list):
        return "、".join(_words(name, each, texts) for each in value)
    if isinstance(value, Mapping):
        return f"{texts.label('term', value['name'])} " + texts(
            "reference.until", first=value["first"], last=value["last"]
        )
    return texts.label("stage", value) if name == "stages" else str(value)
