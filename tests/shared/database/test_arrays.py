from __future__ import annotations

import uuid
from uuid import UUID

import psycopg
import pytest

from shared.database.arrays import BytesArray, TextArray, UuidArray
from tests.support.trial import Server


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_the_server_reads_the_ids_in_their_order(postgres: Server, count: int) -> None:
    ids: list[UUID] = [uuid.uuid4() for _ in range(count)]
    with psycopg.connect(postgres.dsn()) as connection:
        row = connection.execute("SELECT %s, %s::uuid[] = %s", (UuidArray(ids), ids, UuidArray(ids))).fetchone()
    assert row == (ids, True)


@pytest.mark.parametrize("texts", [[], [""], ["n:469080", "m:阿依古丽·买买提", 'quote " brace } comma , back\\slash']])
def test_the_server_reads_the_texts_in_their_order(postgres: Server, texts: list[str]) -> None:
    with psycopg.connect(postgres.dsn()) as connection:
        row = connection.execute("SELECT %s, %s::text[] = %s", (TextArray(texts), texts, TextArray(texts))).fetchone()
    assert row == (texts, True)


@pytest.mark.parametrize("values", [[], [b""], [bytes(range(256)), b"{}", b"\\x00"]])
def test_the_server_reads_the_bytes_in_their_order(postgres: Server, values: list[bytes]) -> None:
    with psycopg.connect(postgres.dsn()) as connection:
        row = connection.execute(
            "SELECT %s, %b::bytea[] = %s", (BytesArray(values), values, BytesArray(values))
        ).fetchone()
    assert row == (values, True)
