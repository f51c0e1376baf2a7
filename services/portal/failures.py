"""What a person sees when something cannot be shown; scripts under /api get problem+json instead."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from services.portal.backends import BackendTrouble, Caller, Refused
from services.portal.rendering import Rendering
from services.portal.session import Opening
from services.portal.texts import Texts
from shared.kernel.refusals import Refusal
from shared.web import problems
from shared.web.languages import language_of
from shared.web.traces import trace_id, traceparent_of
from shared.web.viewers import Viewer, token_of

_TITLED = frozenset({400, 401, 403, 404, 413, 422, 429, 500, 502})


def install(app: FastAPI) -> None:
    """Answer every failure of a page with a page."""

    async def on_refusal(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        if _for_scripts(request):
            return problems.refusal_problem(request, error)
        if error.status == 401:
            return _to_sign_in(request)
        page = _page(request, error.status, error.zh if language_of(request) == "zh" else error.en)
        page.headers.update(problems.refusal_headers(error))
        return page

    async def on_trouble(request: Request, error: Exception) -> Response:
        assert isinstance(error, BackendTrouble)
        if isinstance(error, Refused) and error.status == 401:
            return _to_sign_in(request)
        return _page(request, error.status, error.detail)

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        if _for_scripts(request):
            return problems.validation_problem(request, error)
        # A path that is no id, or a query nobody's form makes: there is no such page.
        return _page(request, 404, "")

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if _for_scripts(request):
            return problems.problem(error.status_code, language=language_of(request), instance=request.url.path)
        return _page(request, error.status_code, "")

    app.add_exception_handler(Refusal, on_refusal)
    app.add_exception_handler(BackendTrouble, on_trouble)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)


def _for_scripts(request: Request) -> bool:
    return request.url.path.startswith("/api/") or request.url.path in ("/demo-issuer/token", "/metrics")


def _to_sign_in(request: Request) -> Response:
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    wanted = here if request.method == "GET" else "/"
    if "part" in request.query_params:
        return Response("", 401)  # asked for by the page's script, which then loads the page anew
    return RedirectResponse(f"/sign-in?{urlencode({'next': wanted})}", 303)


def _page(request: Request, status: int, detail: str) -> Response:
    rendering: Rendering = request.app.state.rendering
    failed = status if status in _TITLED else 0
    trace = trace_id(traceparent_of(request))
    return rendering.page(
        request, _opened(request), "error.html", status=status, failed=failed, detail=detail, trace=trace
    )


def _opened(request: Request) -> Opening | None:
    """The frame of a signed-in person's page, when the failure came after they were known."""
    known = getattr(request.state, "viewer", None)
    token = token_of(request)
    if not isinstance(known, Viewer) or token is None:
        return None
    language = language_of(request)
    return Opening(known, language, Texts(language), Caller(token, language, traceparent_of(request)), "")
