"""What every service's HTTP side is made of: problems, viewers, commands, pages, live lists. No business noun."""

from __future__ import annotations

from shared.web.application import create_app
from shared.web.authentication import Authenticator, Unauthenticated
from shared.web.bodies import BodyLimits, Upload, batch_lines, received_file
from shared.web.commands import command_from, command_id_of
from shared.web.entity_tags import Stale, check_version, expected_version, set_entity_tag
from shared.web.event_stream import EventStream
from shared.web.languages import Language, language_of
from shared.web.live import SseHub
from shared.web.logs import configure_logs
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.traces import traceparent_of
from shared.web.viewers import Rule, Viewer, require, viewer

__all__ = [
    "Authenticator",
    "BodyLimits",
    "EventStream",
    "Language",
    "Page",
    "PageTurn",
    "Rule",
    "SseHub",
    "Stale",
    "Unauthenticated",
    "Upload",
    "Viewer",
    "batch_lines",
    "check_version",
    "command_from",
    "command_id_of",
    "configure_logs",
    "create_app",
    "expected_version",
    "language_of",
    "page_of",
    "page_turn",
    "received_file",
    "require",
    "set_entity_tag",
    "traceparent_of",
    "viewer",
]
