"""The audit questions over HTTP: the catalogue with each query's text, an answer as JSON and as a workbook."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime, BaseModel, Field, ValidationError
from starlette.responses import Response

from services.audit.questions import sheet
from services.audit.questions.asking import Asking, Finding, Inquiry, question_named
from services.audit.questions.catalogue import QUESTIONS
from services.audit.replays.narrowing import check_scope
from services.audit.replays.replay_api import Part, utc
from shared.standards.rights import Right
from shared.tabular.writing import XLSX
from shared.web.commands import command_id_of
from shared.web.disclosures import tell, told
from shared.web.viewers import Viewer, require

Auditor = Annotated[Viewer, Depends(require(Right.QUESTIONS_ASK))]
Taking = Annotated[Viewer, Depends(require(Right.QUESTIONS_ASK, exports=True))]


class QuestionRow(BaseModel):
    """``parameters``: JSON Schema of what the question is told. ``sql``: the query itself, ``:name`` its parameters."""

    name: str
    title_zh: str
    title_en: str
    meaning_zh: str
    columns: list[dict[str, str]]
    parameters: dict[str, Any]
    sql: str


class Catalogue(BaseModel):
    items: list[QuestionRow]


class AskQuestion(Part):
    """``known_at`` with its time zone; none = as complete as can be now. ``true_on``: default the day of that moment.
    ``parameters``: as the catalogue describes them."""

    known_at: AwareDatetime | None = None
    true_on: date | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)


class Found(BaseModel):
    """``log_index``: service → the last event that counts. ``hash``: SHA-256 of the items' canonical JSON. Each item
    ends in ``evidence``: the events it rests on. ``more``: there are more rows than an answer holds."""

    question: str
    parameters: dict[str, Any]
    known_at: datetime
    true_on: date
    log_index: dict[str, int]
    count: int
    more: bool
    hash: str
    left_out: list[tuple[str, int]]
    items: list[dict[str, Any]]


def question_routes(routes: APIRouter, asking: Asking, division: str) -> None:
    """The routes under /v1."""

    def found(name: str, body: AskQuestion, viewer: Viewer) -> Finding:
        question = question_named(name)
        check_scope(viewer.scope, body.scope(), division)
        try:
            parameters = question.parameters.model_validate(body.parameters)
        except ValidationError as wrong:
            raise RequestValidationError(
                [{**each, "loc": ("body", "parameters", *each["loc"])} for each in wrong.errors(include_url=False)]
            ) from wrong
        return asking.ask(Inquiry(name, parameters, body.true_on, utc(body.known_at), body.scope()))

    @routes.get("/questions")
    def questions(_viewer: Auditor) -> Catalogue:
        return Catalogue(
            items=[
                QuestionRow(
                    name=each.name,
                    title_zh=each.zh,
                    title_en=each.en,
                    meaning_zh=each.meaning_zh,
                    columns=[
                        {"key": column.key, "zh": column.zh, "en": column.en, "kind": column.kind}
                        for column in each.columns
                    ],
                    parameters=each.parameters.model_json_schema(),
                    sql=each.sql,
                )
                for each in QUESTIONS.values()
            ]
        )

    @routes.post("/questions/{name}")
    def ask(name: str, body: AskQuestion, request: Request, viewer: Auditor) -> Found:
        command_id_of(request)  # every POST carries one, although nothing is changed here
        answer = found(name, body, viewer)
        return Found(
            question=name,
            parameters=answer.parameters,
            known_at=answer.known_at,
            true_on=answer.true_on,
            log_index=answer.log_index,
            count=len(answer.rows),
            more=answer.more,
            hash=answer.hash,
            left_out=answer.left_out,
            items=answer.rows,
        )

    @routes.post("/questions/{name}/sheet", response_class=Response, responses=dict(_XLSX_ANSWER))
    def workbook(name: str, body: AskQuestion, request: Request, viewer: Taking) -> Response:
        """The answer as a workbook to print and sign."""
        command_id_of(request)
        answer = found(name, body, viewer)
        tell(rows=len(answer.rows), filters=told(body.model_dump(exclude={"parameters"}) | dict(body.parameters)))
        with tempfile.TemporaryDirectory(prefix="rollcall-question-") as folder:
            path = Path(folder) / "answer.xlsx"
            sheet.write(answer, path)
            content = path.read_bytes()
        return Response(
            content, media_type=XLSX, headers={"content-disposition": f'attachment; filename="{name}.xlsx"'}
        )


_XLSX_ANSWER: Mapping[int | str, dict[str, Any]] = {
    200: {"description": "the workbook", "content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}}
}
