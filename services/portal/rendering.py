"""Templates to answers: one frame around every page, static files under names that change with their content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import Response

from services.portal.doors import Doors
from services.portal.navigation import areas
from services.portal.session import Opening, answers_for_all, finish, form_token, nonce_of
from services.portal.tables.columns import day_text, moment_text, money_text
from services.portal.texts import Texts
from shared.kernel.clock import SHANGHAI, today
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import NotFound
from shared.standards.posts import POSTS, Kind
from shared.standards.rights import Right
from shared.web.languages import Language, language_of

_HERE = Path(__file__).parent
_YEAR_SECONDS = 365 * 24 * 3600
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

PAGE_CONTENT_POLICY = (
    "default-src 'none'; object-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class Statics:
    """The page's own script, style and pictures, read once. Addresses carry their digest, so they cache for ever."""

    def __init__(self, folder: Path = _HERE / "static") -> None:
        self._files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in _TYPES}
        self.digest = hashlib.sha256(b"".join(self._files.values())).hexdigest()[:12]

    def address(self, name: str) -> str:
        """Where ``name`` is served. Raises KeyError for a file there is not."""
        self._files[name]
        return f"/static/{self.digest}/{name}"

    def router(self) -> APIRouter:
        """Serves them, also under an older digest (a page still open during an update)."""
        router = APIRouter(include_in_schema=False)

        @router.get("/static/{digest}/{name}")
        async def static(digest: str, name: str) -> Response:
            content = self._files.get(name)
            if content is None:
                raise NotFound("没有这个文件", "No such file")
            fresh = digest == self.digest
            cache = f"public, max-age={_YEAR_SECONDS}, immutable" if fresh else "no-cache"
            headers = {"content-type": _TYPES[Path(name).suffix], "cache-control": cache}
            return Response(content, headers=headers)

        return router


class Rendering:
    """Renders templates. ``demo`` shows the strip that says all data are fictitious."""

    def __init__(self, form_key: bytes, statics: Statics, *, demo: bool) -> None:
        self._form_key, self._statics, self._demo = form_key, statics, demo
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["day"] = day_text
        self._templates.filters["moment"] = moment_text
        self._templates.filters["money"] = money_text
        self._templates.globals["static"] = statics.address

    def page(
        self, request: Request, opened: Opening | None, template: str, *, status: int = 200, **context: Any
    ) -> Response:
        """One page (or, for the page's own script, one part of it)."""
        language = opened.language if opened else language_of(request)
        texts = opened.texts if opened else Texts(language)
        rights: frozenset[Right] = opened.viewer.rights if opened else frozenset()
        known: Mapping[str, Any] = {
            "t": texts,
            "label": texts.label,
            "language": language,
            "other_language": "zh" if language == "en" else "en",
            "switch": str(request.url.include_query_params(lang="zh" if language == "en" else "en").query),
            "path": request.url.path,
            "here_page": request.url.path + _query(request),
            "new_command_id": lambda: str(new_event_id()),
            "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            "viewer": opened.viewer if opened else None,
            "standing": opened.standing if opened else None,
            "holds": lambda *names: any(Right(name) in rights for name in names),
            "answers_for_all": opened is not None and answers_for_all(request, opened),
            "areas": areas(rights, request.url.path),
            "form_token": form_token(self._form_key, nonce_of(request)),
            "post_name": lambda kind: _post_name(kind, language),
            "demo": self._demo,
            "today": today().isoformat(),
            "now": f"{datetime.now(SHANGHAI):%Y-%m-%d %H:%M}",
            "notice": _notice(request, texts),
            **_emergency(opened),
            "script_texts": json.dumps(
                {name: texts(f"site.{name}") for name in ("live", "live_off", "live_wait", "updated")}
                | {name: texts(f"imports.{name}") for name in ("checking", "choose_file")}
                | {"progress": texts("imports.progress", percent="{percent}")},
                ensure_ascii=False,
            ),
        }
        doors: Doors = request.app.state.doors
        html = doors.closed(self._templates.get_template(template).render({**known, **context}), rights)
        headers = {
            "content-type": "text/html; charset=utf-8",
            "content-language": "en" if language == "en" else "zh-CN",
        }
        return finish(request, Response(html, status, headers=headers))


def _emergency(opened: Opening | None) -> Mapping[str, Any]:
    """When an emergency access in use ends, and in how many minutes, as the page is made."""
    until = opened.viewer.emergency_until if opened else 0.0
    ends = datetime.fromtimestamp(until, SHANGHAI)
    left = max(0, -(-int(until - datetime.now(SHANGHAI).timestamp()) // 60))
    return {"emergency_ends": f"{ends:%H:%M}", "emergency_left": left}


def _post_name(kind: str | None, language: Language) -> str:
    """What a kind of post is called; nothing for none."""
    if not kind:
        return ""
    post = POSTS[Kind(kind)]
    return post.en if language == "en" else post.zh


def _query(request: Request) -> str:
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in ("part", "done", "lang")]
    return f"?{urlencode(kept)}" if kept else ""


def _notice(request: Request, texts: Texts) -> str:
    """What a form has just done, named in the address after its redirect; only sentences of ours."""
    done = request.query_params.get("done", "")
    known = {
        "seen": "alerts.done_seen",
        "close": "alerts.done_close",
        "contact": "messages.done_contact",
        "disburse": "entitlements.done_disburse",
        "letter_drafted": "letters.done_drafted",
        "letter_places": "letters.done_places",
        "letter_replies": "letters.done_replies",
        "letter_step": "letters.done_step",
        "confirm": "imports.done_confirm",
        "withdraw": "imports.done_withdraw",
        "visit": "student.done_visit",
        "care": "student.done_care",
        "life": "life.done",
        "household": "household_changes.done",
        "attendance": "attendance.done",
        "suspension_return": "suspensions.done_return",
        "suspension_extend": "suspensions.done_extend",
        "freshness": "freshness.done",
        "people": "people.done",
        "handover": "handover.done",
        "second_factor_removed": "second_factor.removed",
        "erasure": "erasures.done",
        "key_revoked": "agency_keys.revoked_now",
        "emergency_ended": "emergency.ended",
        "emergency_reviewed": "emergencies.done",
        "alarm_noted": "alarms.done",
        "ruled": "review.done_ruled",
        "asked": "review.done_asked",
        "undone": "review.done_undone",
        "forgotten": "check.done_forgotten",
        "activated": "models.done_activated",
        "calendar": "reference_forms.done_calendar",
        "school_closed": "reference_forms.done_closed",
        "divisions": "reference_forms.done_divisions",
        "document": "absences.done_document",
        "document_withdrawn": "absences.done_withdrawn",
        "team": "case.done_team",
        "attempts": "case.done_attempts",
        "referrals": "case.done_referrals",
        "actions": "case.done_actions",
        "mistaken": "case.done_mistaken",
        "dropped-out": "case.done_dropped_out",
        "report_issued": "dropout_reports.done",
        "alert_rules": "alert_rules.done_alert_rules",
        "task_done": "terms.done_done",
        "term_plan": "term_plan.done",
        "task_reopened": "terms.done_reopened",
    }
    return texts(known[done]) if done in known else ""
