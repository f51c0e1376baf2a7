"""JSON logs without personal data: one line per event on standard output, for ours and for the libraries' records."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

# Personal fields by their names in code (domain.md §3); a call that passes one by mistake logs that it did, not what.
PERSONAL_KEYS = frozenset(
    {
        "name", "former_name", "id_number", "student_number", "guardian_name", "guardian_id", "phone", "address",
        "head_name", "head_id", "birth_date", "certificate_number", "person_number", "household_number", "personal",
        "body", "token", "password", "secret",
    }
)  # fmt: skip
LINE_CHARACTERS = 8192
_CHATTY = (
    "aiokafka",
    "faust",
    "kafka",
    "mode",
)  # they tell each step of each reconnection; our own lines tell what came of it
_FRAMES = 12


def exception_outline(failure: BaseException) -> dict[str, Any]:
    """Type and places of an exception, without its message: drivers and validators quote the values they refuse."""
    frames = traceback.extract_tb(failure.__traceback__)[-_FRAMES:]
    outline: dict[str, Any] = {
        "type": f"{type(failure).__module__}.{type(failure).__qualname__}",
        "at": [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if failure.__cause__ is not None:
        outline["cause"] = exception_outline(failure.__cause__)
    return outline


def _without_personal_data(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in PERSONAL_KEYS.intersection(event):
        event[key] = "withheld"
    return event


def _outlined(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    told = event.pop("exc_info", None)
    failure = told[1] if isinstance(told, tuple) else sys.exc_info()[1] if told is True else told
    if isinstance(failure, BaseException):
        event["failure"] = exception_outline(failure)
    return event


def _rendered(logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
    line = structlog.processors.JSONRenderer(ensure_ascii=False)(logger, method, event)
    text = line if isinstance(line, str) else line.decode()
    return text if len(text) <= LINE_CHARACTERS else text[:LINE_CHARACTERS] + "…"


def configure_logs(service: str, level: str = "INFO") -> None:
    """Send every record of this process, ours and the libraries', through the same lines. Safe to call twice."""

    def with_service(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        with_service,
        _outlined,
        _without_personal_data,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _rendered],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True
    # Whole addresses (searches, cursors) stand in these two; our own line carries the route instead.
    logging.getLogger("uvicorn.access").disabled = True
    for name in (*_CHATTY, "httpx"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
