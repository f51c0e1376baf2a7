"""What waits for whoever looks, at every service: counted by kind on the first page, listed on a page of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.portal.backends import Answer, Backends, BackendTrouble, Params
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from services.portal.texts import Texts
from shared.kernel.refusals import NotFound
from shared.standards.open_work import OPEN_WORK, WORKING, Kind
from shared.web.languages import Language
from shared.web.pages import DEFAULT_ROWS

router = APIRouter(include_in_schema=False)
PATH = "/v1/open-items"
COUNTED_MOST = 200
_NO_DAY = "9999-12-31"
FIRST_SHOWN = 10  # of each kind, where all kinds are shown
# What the words of an item are codes of; a word that is none stays as it is.
_VOCABULARIES = (
    *("term", "programme", "list", "agency", "alert_kind", "message_topic", "delivery_channel", "paper_kind"),
    *("change_kind", "household_change_kind", "service_name", "alarm_kind_found", "erasure_ground", "legal_hold"),
)


@dataclass(frozen=True)
class Waiting:
    """One kind: ``matters`` of which its items consist; ``more``: there are more than were counted."""

    kind: Kind
    title: str
    items: Sequence[Mapping[str, Any]]
    matters: int
    more: bool

    @property
    def text(self) -> str:
        return f"{self.matters:,}{'+' if self.more else ''}"


@router.get("/work", dependencies=[permit(*WORKING)])
async def work(request: Request, opened: Annotated[Opening, Depends(opening)], kind: Kind | None = None) -> Response:
    """All that waits, the first of each kind; or one kind, page by page. Raises Forbidden, NotFound."""
    rendering: Rendering = request.app.state.rendering
    backends: Backends = request.app.state.backends
    mine = kinds_of(opened)
    if kind is None:
        found, failed = await waiting(backends, opened, mine)
        return rendering.page(
            request, opened, "work.html", found=found, failed=failed, kind=None, page=None, shown=FIRST_SHOWN
        )
    if kind not in mine:
        raise NotFound("没有这个页面", "No such page")
    turn = {"kind": kind.value, "after": request.query_params.get("after"), "limit": DEFAULT_ROWS}
    page = (await backends.get(opened.caller, OPEN_WORK[kind].service, PATH, turn)).body
    found = [_of_kind(kind, page["items"], opened, more=False)]
    return rendering.page(request, opened, "work.html", found=found, failed=False, kind=kind, page=page)


def kinds_of(opened: Opening) -> list[Kind]:
    """The kinds the viewer's post works on, as they are declared."""
    return [kind for kind, work in OPEN_WORK.items() if opened.viewer.has(*work.rights)]


async def waiting(backends: Backends, opened: Opening, kinds: Iterable[Kind]) -> tuple[list[Waiting], bool]:
    """What waits of these kinds, those with nothing left out; and whether some service could not be asked."""
    asked: dict[str, list[Kind]] = {}
    for kind in kinds:
        asked.setdefault(OPEN_WORK[kind].service, []).append(kind)
    answers = await asyncio.gather(*(_asked(backends, opened, *each) for each in asked.items()))
    found = []
    for own, answer in zip(asked.values(), answers, strict=True):
        items = answer.body["items"] if answer else []
        more = answer is not None and answer.body["next"] is not None
        for kind in own:
            rows = [item for item in items if item["kind"] == kind]
            if rows:  # a service answers kind by kind: only the last one it tells of can be cut off
                found.append(_of_kind(kind, rows, opened, more=more and rows[-1] is items[-1]))
    return found, None in answers


async def _asked(backends: Backends, opened: Opening, service: str, kinds: list[Kind]) -> Answer | None:
    params: Params = {"kind": [kind.value for kind in kinds], "limit": COUNTED_MOST}
    try:
        return await backends.get(opened.caller, service, PATH, params)
    except BackendTrouble:
        return None


def _of_kind(kind: Kind, items: Sequence[Mapping[str, Any]], opened: Opening, *, more: bool) -> Waiting:
    told = [{**item, "about": about_text(item["about"], opened.texts)} for item in items]
    told.sort(key=lambda item: (item["due"] or _NO_DAY, item["about"]))
    return Waiting(kind, title_of(kind, opened.language), told, sum(item["count"] for item in items), more)


def title_of(kind: Kind, language: Language) -> str:
    """What a kind is called."""
    return OPEN_WORK[kind].en if language == "en" else OPEN_WORK[kind].zh


def about_text(about: str, texts: Texts) -> str:
    """What an item is about, its codes as words."""
    return " ".join(_word(word, texts) for word in about.split(" "))


def _word(word: str, texts: Texts) -> str:
    known = (texts.label(vocabulary, word) for vocabulary in _VOCABULARIES)
    return next((text for text in known if text != word), word)
