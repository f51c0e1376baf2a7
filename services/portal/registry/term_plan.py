"""What is due in every term: the plan in force, its versions, and the form that puts another one into force."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Refused
from services.portal.forms import command_of, refusal_shown, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, answers_for_all, check_form, opening, permit
from services.portal.texts import Texts
from shared.kernel.clock import today
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import Malformed, Refusal
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
RULES = ("opens", "due")
ANCHORS = ("first_day", "first_school_day", "last_day", "task", "fixed")
_OFFSETS = ("months", "days", "working_days")
_OF_RULE = ("anchor", "task", "month", "day", *_OFFSETS)
_OF_TASK = ("task", "name_zh", "name_en", "who", "working_days_least", "remove")
FIELDS = (*_OF_TASK, *(f"{rule}_{field}" for rule in RULES for field in _OF_RULE))
TASKS_MOST = 41  # the registry's limit, and one more so that it is the registry that says so
_NUMBER = re.compile(r"[+-]?\d{1,4}")
_SHOWN_AGAIN = (400, 403, 409, 422)  # refusals after which the person goes on on the same form

Typed = Mapping[str, str]  # one task as the form has it: field → text


@router.get("/terms/plan", dependencies=[permit(Right.TERMS_READ)])
async def plan(request: Request, opened: Opened) -> Response:
    """The plan in force on a day (``?true_on=``), its versions; for the clerk the form."""
    return await _page(request, opened)


@router.post("/terms/plan", dependencies=[permit(Right.TERMS_PLAN)])
async def activate(request: Request, opened: Opened) -> Response:
    """Another plan from a day on; a refusal shows the form with what was typed."""
    async with request.form(max_files=0, max_fields=len(FIELDS) * TASKS_MOST + 5) as form:
        check_form(request, form.get("form_token"))
        as_of, tasks = text(form, "as_of"), _typed(form)
        made = command_of(form, [as_of, tasks])
    backends: Backends = request.app.state.backends
    try:
        body = {"tasks": [_task(each) for each in tasks if not each["remove"]]}
        params = {"as_of": as_of}
        await backends.post(opened.caller, "registry", "/v1/term-plan", body, command_id=made, params=params)
    except (Refused, Refusal) as refused:
        return await _page(request, opened, tasks, as_of, **refusal_shown(opened, refused, _SHOWN_AGAIN))
    return RedirectResponse(f"/terms/plan?true_on={as_of}&done=term_plan", 303)


def words(rule: Mapping[str, Any], names: Mapping[str, str], texts: Texts) -> str:
    """A rule as a person reads it: what the day is counted from, then how far from it."""
    anchor = rule["anchor"]
    if anchor == "task":
        begin = texts("term_plan.after", task=names.get(rule["task"], rule["task"]))
    elif anchor == "fixed":
        begin = texts("term_plan.every_year", month=rule["month"], day=rule["day"])
    else:
        begin = texts.label("term_plan_anchor", anchor)
    far = (texts(f"term_plan.far_{name}", number=f"{rule[name]:+d}") for name in _OFFSETS if rule.get(name))
    return " ".join((begin, *far))


def _typed(form: FormData) -> list[dict[str, str]]:
    """The tasks of the form in their order; one without a code is none."""
    found = ({name: text(form, f"{name}_{place}") for name in FIELDS} for place in range(TASKS_MOST))
    return [each for each in found if each["task"]]


def _task(typed: Typed) -> dict[str, Any]:
    """A task as the registry takes it. Raises Malformed, naming the task."""
    told: dict[str, Any] = {name: typed[name] for name in ("task", "name_zh", "name_en", "who")}
    told |= {rule: _rule(typed, rule) for rule in RULES}
    if least := _number(typed, "working_days_least"):
        told["working_days_least"] = least
    return told


def _rule(typed: Typed, rule: str) -> dict[str, Any]:
    told: dict[str, Any] = {"anchor": typed[f"{rule}_anchor"]}
    if told["anchor"] == "task":
        told["task"] = typed[f"{rule}_task"]
    numbers = (*(("month", "day") if told["anchor"] == "fixed" else ()), *_OFFSETS)
    return told | {name: number for name in numbers if (number := _number(typed, f"{rule}_{name}"))}


def _number(typed: Typed, name: str) -> int:
    if not typed[name]:
        return 0
    if not _NUMBER.fullmatch(typed[name]):
        task = typed["name_zh"] or typed["task"]
        zh, en = f"任务“{task}”:“{typed[name]}”不是整数", f"{typed['task']}: {typed[name]!r} is no whole number"
        raise Malformed(zh, en, field=name)
    return int(typed[name])


def _filled(tasks: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    """The plan's tasks as the form has them."""
    for task in tasks:
        told = {name: str(task.get(name, "")) for name in _OF_TASK}
        rules = {f"{rule}_{name}": str(task[rule].get(name, "")) for rule in RULES for name in _OF_RULE}
        yield told | rules


async def _page(
    request: Request,
    opened: Opening,
    typed: Sequence[Typed] | None = None,
    as_of: str = "",
    status: int = 200,
    complaint: str = "",
) -> Response:
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    true_on = request.query_params.get("true_on", "")[:10] or today().isoformat()
    told = (await backends.get(opened.caller, "registry", "/v1/term-plan", {"true_on": true_on})).body
    versions = (await backends.get(opened.caller, "registry", "/v1/term-plan/history")).body
    tasks = [] if told is None else told["content"]["tasks"]
    name = "name_en" if opened.language == "en" else "name_zh"
    names = {task["task"]: task[name] for task in tasks}
    shown = [task | {rule: words(task[rule], names, opened.texts) for rule in RULES} for task in tasks]
    return rendering.page(
        request,
        opened,
        "term_plan.html",
        status=status,
        true_on=true_on,
        tasks=shown,
        names=names,
        name=name,
        versions=[each | {"count": len(each["fields"]["content"]["tasks"])} for each in versions],
        may_change=opened.viewer.has(Right.TERMS_PLAN) and answers_for_all(request, opened),
        form_tasks=[*(list(_filled(tasks)) if typed is None else typed), dict.fromkeys(FIELDS, "")],
        changing=typed is not None,
        as_of=as_of or today().isoformat(),
        anchors=ANCHORS,
        offsets=_OFFSETS,
        rules=RULES,
        complaint=complaint,
        command_id=str(new_event_id()),
    )
