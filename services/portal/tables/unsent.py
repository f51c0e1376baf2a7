"""A form in a row of a table that was refused: the table again as it stood, with that form open and filled as it was
sent. The form says itself where it stood (``back``) and which it is (``form``, templates/_row_form.html)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import Response

from services.portal.backends import BackendTrouble, Refused
from services.portal.forms import long_text, place_of, refusal_shown, text
from services.portal.session import Opening
from services.portal.tables.table_shape import TablePage
from shared.kernel.refusals import Malformed

_SHOWN_AGAIN = (400, 404, 409, 422)  # refusals after which the person goes on on the same page
_CHARACTERS = 4_000  # of one field, as many as the longest takes
_OF_THE_PAGE = frozenset({"form_token", "command_id", "back", "form"})
# Of an address with a part, a print or a sentence of what was done, only the table is shown again.
_ONCE = frozenset({"part", "print", "done", "lang"})


@dataclass(frozen=True)
class Unsent:
    """A form that was refused, and why. ``typed``: field → what was sent; ``field``: the one that is wrong, "" when
    the refusal names none in which the person writes; ``words``: what is worth repeating when the row does not
    offer the form any more."""

    form: str
    typed: Mapping[str, str]
    status: int
    complaint: str
    field: str
    words: Sequence[str]


Show = Callable[[Request, Opening, TablePage, Unsent], Awaitable[Response]]


async def shown_again(
    request: Request,
    opened: Opening,
    form: FormData,
    refused: Refused | Malformed,
    show: Show,
    pages: Sequence[TablePage],
    words: Sequence[str],
) -> Response:
    """The table of ``pages`` on which the form stood, the first when it names none of them, by ``show``. ``words``: the
    fields in which the person writes. Raises ``refused`` when it is no answer to a form, or the table cannot be shown
    to the viewer."""
    shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
    page, query = stood_on(form, pages) or (pages[0], "")
    if not opened.viewer.has(*page.rights):
        raise refused
    typed = {name: long_text(form, name, _CHARACTERS) for name in form if name not in _OF_THE_PAGE}
    wrong = wrong_field(refused)
    unsent = Unsent(
        text(form, "form"),
        typed,
        shown["status"],
        shown["complaint"],
        wrong if wrong in words else "",
        [typed[name] for name in words if typed.get(name)],
    )
    try:
        return await show(_opened_at(request, page, query), opened, page, unsent)
    except BackendTrouble:
        raise refused from None  # what was refused matters more than that the table cannot be shown beside it


def stood_on(form: FormData, pages: Sequence[TablePage]) -> tuple[TablePage, str] | None:
    """The one of ``pages`` on which the form stood, and the query of its address there; None: on none of them."""
    place = urlsplit(place_of(form, ""))
    return next(((page, place.query) for page in pages if page.address == place.path), None)


def wrong_field(refused: Refused | Malformed) -> str:
    """The field that a refusal complains of, "" when it names none."""
    if isinstance(refused, Malformed):
        return str(refused.facts.get("field", ""))
    facts, errors = refused.problem.get("facts"), refused.problem.get("errors")
    if isinstance(facts, Mapping) and facts.get("field"):
        return str(facts["field"])
    if isinstance(errors, list) and errors and isinstance(errors[0], Mapping):
        return str(errors[0].get("pointer", "")).rpartition("/")[2]
    return ""


def _opened_at(request: Request, page: TablePage, query: str) -> Request:
    """``request`` as if the person had opened the table's own address: its filters, and the links that keep them."""
    kept = [(name, value) for name, value in parse_qsl(query) if name not in _ONCE]
    address = {"path": page.address, "raw_path": page.address.encode(), "query_string": urlencode(kept).encode()}
    return Request({**request.scope, "method": "GET", **address})
