"""The questions auditors ask: chosen from the catalogue, asked of a moment, printed or saved with lines to sign.

What the auditor brings along (a bank's statement, numbers of staff) is about people: it goes by form, never into an
address. Everything else stands in the address, so that a question can be asked again and passed on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from services.portal.auditing.audit import moment_of
from services.portal.backends import Backends, BackendTrouble
from services.portal.rendering import Rendering
from services.portal.session import Opening, check_form, opening, permit
from services.portal.texts import Texts
from shared.kernel.clock import today
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import Malformed, NotFound
from shared.standards.rights import Right
from shared.tabular.writing import XLSX

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
SHOWN_ROWS = 200
SHOWN_EVENTS = 5  # of a row; the workbook names all
MOMENT = ("known_at", "true_on", "school_code")
BANK_LINE = ("reference", "card", "holder_number", "holder_name")  # as they are pasted, one line each
_PASTED_BYTES = 900_000
_FEN_IN_YUAN = 100
# Column → the page's own words for its codes.
_WORDS = {
    **{name: name for name in ("term", "programme", "stage", "category", "list", "agency", "finding", "holder")},
    "programmes": "programme",
    "state": "state",
}


@router.get("/audit/questions", dependencies=[permit(Right.QUESTIONS_ASK)])
async def catalogue(request: Request, opened: Opened) -> Response:
    """All questions, each in a sentence."""
    rendering: Rendering = request.app.state.rendering
    return rendering.page(request, opened, "questions.html", questions=await _catalogue(request, opened))


@router.get("/audit/questions/{name}", dependencies=[permit(Right.QUESTIONS_ASK)])
async def asked(request: Request, name: str, opened: Opened) -> Response:
    """The form; with ``ask`` in the address its answer below."""
    question = await _question(request, opened, name)
    typed = {key: value[:200] for key, value in request.query_params.items()}
    ask = "ask" in typed and not _brought(question)
    if ask and typed["ask"] == "sheet":
        return await _sheet(request, opened, question, typed)
    return await _page(request, opened, question, typed, ask=ask)


@router.post("/audit/questions/{name}", dependencies=[permit(Right.QUESTIONS_ASK)])
async def asked_with(request: Request, name: str, opened: Opened) -> Response:
    """The same with what the auditor brought along."""
    async with request.form(max_files=0, max_fields=20, max_part_size=_PASTED_BYTES) as form:
        check_form(request, form.get("form_token"))
        typed = {key: value.strip() for key, value in form.items() if isinstance(value, str)}
    question = await _question(request, opened, name)
    if typed.get("ask") == "sheet":
        return await _sheet(request, opened, question, typed)
    return await _page(request, opened, question, typed, ask=True)


async def _catalogue(request: Request, opened: Opening) -> list[Mapping[str, Any]]:
    backends: Backends = request.app.state.backends
    body: Mapping[str, Any] = (await backends.get(opened.caller, "audit", "/v1/questions")).body
    return list(body["items"])


async def _question(request: Request, opened: Opening, name: str) -> Mapping[str, Any]:
    for question in await _catalogue(request, opened):
        if question["name"] == name:
            return question
    raise NotFound("没有这个审计问题", "There is no such question")


def _fields(question: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = question["parameters"].get("properties", {})
    return found


def _brought(question: Mapping[str, Any]) -> list[str]:
    """The parameters that are lists of records or people."""
    return [name for name, schema in _fields(question).items() if schema.get("type") == "array"]


async def _page(
    request: Request, opened: Opening, question: Mapping[str, Any], typed: Mapping[str, str], *, ask: bool
) -> Response:
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    result, complaint, status = None, "", 200
    if ask:
        try:
            path = f"/v1/questions/{question['name']}"
            result = (await backends.post(opened.caller, "audit", path, _body(question, typed))).body
        except BackendTrouble as trouble:
            complaint, status = trouble.detail or opened.texts("error.title_502"), trouble.status
        except Malformed as wrong:
            complaint, status = wrong.zh if opened.language == "zh" else wrong.en, wrong.status
    return rendering.page(
        request,
        opened,
        "question.html",
        status=status,
        question=question,
        fields=[_field(name, schema, question, typed) for name, schema in _fields(question).items()],
        brought=bool(_brought(question)),
        typed={"true_on": today().isoformat(), "known_at": "", "school_code": ""} | dict(typed),
        result=result,
        rows=[] if result is None else [_shown(question, row, opened.texts) for row in result["items"][:SHOWN_ROWS]],
        shown_rows=SHOWN_ROWS,
        complaint=complaint,
    )


async def _sheet(request: Request, opened: Opening, question: Mapping[str, Any], typed: Mapping[str, str]) -> Response:
    backends: Backends = request.app.state.backends
    name = question["name"]
    pieces = await backends.download_by_post(
        opened.caller,
        "audit",
        f"/v1/questions/{name}/sheet",
        command_id=str(new_event_id()),
        body=_body(question, typed),
    )
    headers = {"content-disposition": f'attachment; filename="{name}.xlsx"'}
    return StreamingResponse(pieces, media_type=XLSX, headers=headers)


def _field(
    name: str, schema: Mapping[str, Any], question: Mapping[str, Any], typed: Mapping[str, str]
) -> dict[str, Any]:
    """What the form needs to know of a parameter, from its schema."""
    options = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    inner = options[0] if options else schema
    given = typed.get(name, schema.get("default"))
    return {
        "name": name,
        "label": schema.get("title", name),
        "choices": inner.get("enum", ()),
        "kind": "list" if schema.get("type") == "array" else "number" if inner.get("type") == "integer" else "text",
        "least": inner.get("minimum"),
        "most": inner.get("maximum"),
        "required": name in question["parameters"].get("required", ()),
        "value": "" if given is None or isinstance(given, list) else given,
    }


def _body(question: Mapping[str, Any], typed: Mapping[str, str]) -> dict[str, Any]:
    """What is asked of audit. Raises Malformed."""
    body: dict[str, Any] = {"true_on": typed.get("true_on") or None, "school_code": typed.get("school_code") or None}
    if typed.get("known_at"):
        body["known_at"] = moment_of(typed["known_at"])
    parameters: dict[str, Any] = {}
    for name, schema in _fields(question).items():
        value = typed.get(name, "")
        if schema.get("type") == "array":
            parameters[name] = _pasted(name, value)
        elif value:
            parameters[name] = int(value) if schema.get("type") == "integer" and value.isdecimal() else value
    return {**{key: value for key, value in body.items() if value is not None}, "parameters": parameters}


def _pasted(name: str, text: str) -> list[Any]:
    """Lines as they come from a sheet: columns by tabs, or by commas. Raises Malformed, which names the line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if name != "bank_lines":
        return lines
    found = []
    for number, line in enumerate(lines, 1):
        cells: Sequence[str] = [cell.strip() for cell in line.replace(",", ",").replace(",", "\t").split("\t")]
        if not 2 <= len(cells) <= len(BANK_LINE):
            raise Malformed(
                f"第 {number} 行应为:流水号、卡号、持卡人证件号、户名,以制表符或逗号分隔",
                f"line {number}: reference, card, holder's number, holder's name, by tabs or commas",
                line=number,
            )
        found.append(dict(zip(BANK_LINE, cells, strict=False)))
    return found


def _shown(question: Mapping[str, Any], row: Mapping[str, Any], texts: Texts) -> dict[str, Any]:
    cells = [(column["kind"], _cell(column, row.get(column["key"]), texts)) for column in question["columns"]]
    evidence = row["evidence"]
    return {"cells": cells, "evidence": evidence[:SHOWN_EVENTS], "more": max(0, len(evidence) - SHOWN_EVENTS)}


def _cell(column: Mapping[str, str], value: Any, texts: Texts) -> str:
    if value is None:
        return ""
    if column["kind"] == "fen":
        return f"{int(value) / _FEN_IN_YUAN:,.2f}"
    if column["kind"] == "flag":
        return "✓" if value else ""
    vocabulary = _WORDS.get(column["key"])
    if isinstance(value, list):
        return "、".join(texts.label(vocabulary, each) if vocabulary else str(each) for each in value)
    return texts.label(vocabulary, value) if vocabulary else str(value)
