"""Pooled connections are asked whether they still live, but only after a rest: asking costs a round trip."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

REST_SECONDS = 0.5
_RETURNED = "returned_at"


def ping_after_rest(engine: Engine) -> None:
    """Have ``engine`` replace connections that died while they lay in the pool for REST_SECONDS or longer."""

    def put_back(connection: Any, record: Any) -> None:
        record.info[_RETURNED] = time.monotonic()

    def take_out(connection: Any, record: Any, proxy: Any) -> None:
        returned = record.info.get(_RETURNED)
        if returned is None or time.monotonic() - returned < REST_SECONDS:
            return
        try:
            connection.execute("SELECT 1")
            connection.commit()  # a rollback would make the driver forget every statement it has prepared
        except psycopg.Error as gone:
            raise DisconnectionError("the server ended this connection") from gone

    event.listen(engine, "checkin", put_back)
    event.listen(engine, "checkout", take_out)
