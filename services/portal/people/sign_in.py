"""Coming in and going out. Real installations send people to their own sign-in; the demonstration has one click."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, RedirectResponse, Response

from services.portal.backends import Backends, Caller
from services.portal.forms import sent_form, text
from services.portal.people import entering, leaving
from services.portal.people.demo_issuer import (
    AGENCIES,
    END_SESSION,
    GROUPS,
    PREFIX,
    TOKEN_SECONDS,
    TWO_DESKS,
    DemoIssuer,
    Persona,
)
from services.portal.rendering import Rendering
from services.portal.session import Opening, inside, keep_session
from services.portal.settings import PortalSettings
from services.portal.tables.table_reading import school_choices
from services.portal.texts import Texts
from shared.kernel.refusals import Malformed
from shared.standards.posts import POSTS, Kind
from shared.web.authentication import Issuers
from shared.web.languages import language_of
from shared.web.traces import traceparent_of
from shared.web.viewers import viewer_from

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
async def sign_in(request: Request) -> Response:
    """Where a person without a session is sent."""
    settings: PortalSettings = request.app.state.settings
    wanted = inside(request.query_params.get("next"))
    if settings.demo_seed is not None:
        return RedirectResponse(f"{PREFIX}/?{urlencode({'next': wanted})}", 303)
    if settings.sign_in_url:
        return RedirectResponse(settings.sign_in_url, 303)
    return RedirectResponse(f"{entering.PAGE}?{urlencode({'next': wanted})}", 303)


@router.post("/sign-out")
async def sign_out(request: Request, _form: Annotated[FormData, Depends(sent_form)]) -> Response:
    """End the session, and forget it in this browser."""
    return await leaving.left(request)


def demo_routes(issuer: DemoIssuer, division: str) -> APIRouter:
    """The demonstration issuer's addresses."""
    demo = APIRouter(prefix=PREFIX, include_in_schema=False)

    @demo.get("/jwks.json")
    async def jwks() -> Response:
        return JSONResponse(dict(issuer.jwks()), headers={"cache-control": "public, max-age=60"})

    @demo.get("/")
    async def personas(request: Request) -> Response:
        rendering: Rendering = request.app.state.rendering
        return rendering.page(
            request,
            None,
            "sign_in.html",
            groups=GROUPS,
            shapes={kind.value: post.shape.value for kind, post in POSTS.items()},
            two_desks=TWO_DESKS,
            township=f"{division[:6]}100",
            agencies=AGENCIES,
            schools=await _schools(request, issuer, division),
            wanted=inside(request.query_params.get("next")),
        )

    @demo.post("/sign-in")
    async def enter(request: Request, form: Annotated[FormData, Depends(sent_form)]) -> Response:
        secure: bool = request.app.state.settings.secure_cookies
        answer = RedirectResponse(inside(text(form, "next")), 303)
        token = _token(issuer, _persona(form, division))
        keep_session(answer, token, secure=secure)
        return answer

    @demo.get(END_SESSION)
    async def end_session(request: Request) -> Response:
        """The issuer's end of a session: back to this site's own page, and nowhere else."""
        try:
            issuer.check_leaving(request.query_params, leaving.own_address(request))
        except ValueError:
            raise Malformed(
                "不是本系统登记的退出地址", "This is no address to come back to after signing out"
            ) from None
        return RedirectResponse(f"{leaving.PAGE}?{urlencode({'state': request.query_params.get('state', '')})}", 303)

    @demo.post("/token")
    async def token(request: Request) -> Response:
        """For scripts: form fields kind, school, class, agency, township → {"access_token"}."""
        async with request.form(max_files=0, max_fields=12) as form:
            made = _token(issuer, _persona(form, division))
        told = {"access_token": made, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}  # nosec B105
        return JSONResponse(told)

    return demo


def _persona(form: FormData, division: str) -> Persona:
    return Persona(
        text(form, "kind"),
        division,
        text(form, "school") or None,
        text(form, "agency") or None,
        text(form, "class") or _class_of(form),
        text(form, "township") or None,
        second=text(form, "desk") == "2",
    )


def _class_of(form: FormData) -> str | None:
    grade, name = text(form, "grade"), text(form, "class_name")
    return f"/{grade}/{name}" if grade and name else None


def _token(issuer: DemoIssuer, persona: Persona) -> str:
    try:
        return issuer.token(persona)
    except ValueError:
        raise Malformed(
            "请选择岗位;学校、班级、乡镇与部门还需选择单位", "Choose a post; some also need a place"
        ) from None


async def _schools(request: Request, issuer: DemoIssuer, division: str) -> list[tuple[str, str]]:
    """The schools to choose among, asked of the registry as the demonstration's clerk; none while it is not up."""
    backends: Backends = request.app.state.backends
    authenticator: Issuers = request.app.state.authenticator
    token = issuer.token(Persona(Kind.AID_CLERK, division), seconds=60)
    language = language_of(request)
    found = viewer_from(await authenticator.claims(token), language)
    opened = Opening(found, language, Texts(language), Caller(token, language, traceparent_of(request)), "")
    return await school_choices(backends, opened) or []
