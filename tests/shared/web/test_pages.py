from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Date, Integer, MetaData, Table, Text, Uuid, create_engine, insert, select

from shared.kernel.refusals import Malformed
from shared.web.pages import PageTurn, decode_cursor, encode_cursor, page_of, page_turn

values = st.one_of(
    st.text(max_size=20),
    st.integers(-(2**53), 2**53),
    st.uuids(),
    st.dates(),
    st.datetimes(timezones=st.just(UTC)),
)


@given(st.lists(values, max_size=4).map(tuple))
def test_a_cursor_gives_its_key_back(key: tuple[object, ...]) -> None:
    cursor = encode_cursor(key)
    assert decode_cursor(cursor) == key
    assert all(character.isalnum() or character in "-_" for character in cursor)


@given(st.text(max_size=60))
def test_a_made_up_cursor_is_refused_and_not_an_error(cursor: str) -> None:
    try:
        decode_cursor(cursor)
    except Malformed as refusal:
        assert refusal.status == 422


@pytest.mark.parametrize("content", [b"[]x", b'[["z","1"]]', b'[["u","not an id"]]', b'[["d","2024-13-01"]]', b"7"])
def test_a_cursor_with_a_wrong_inside_is_refused(content: bytes) -> None:
    with pytest.raises(Malformed):
        decode_cursor(base64.urlsafe_b64encode(content).decode())


rows_of_table = st.lists(
    st.tuples(st.sampled_from(["A", "B", "甲"]), st.integers(0, 3), st.uuids()), max_size=40, unique=True
)


@given(rows_of_table, st.integers(1, 7))
def test_turning_pages_gives_every_row_once_and_in_order(rows: list[tuple[str, int, UUID]], limit: int) -> None:
    table = Table("t", MetaData(), Column("a", Text), Column("b", Integer), Column("c", Uuid))
    engine = create_engine("sqlite://")
    table.create(engine)
    with engine.begin() as connection:
        if rows:
            connection.execute(insert(table), [dict(zip("abc", row, strict=True)) for row in rows])
        seen, after = [], None
        for _ in range(len(rows) + 1):
            turn = page_turn(after, limit)
            statement = select(table).order_by(table.c.a, table.c.b, table.c.c).limit(turn.fetch)
            if turn.after is not None:
                statement = statement.where(turn.beyond(table.c.a, table.c.b, table.c.c))
            page = page_of([tuple(row) for row in connection.execute(statement)], turn, key=lambda row: row)
            assert len(page.items) <= limit
            seen += page.items
            after = page.next
            if after is None:
                break
    assert seen == sorted(rows, key=lambda row: (row[0].encode(), row[1], row[2].hex))


def test_another_lists_cursor_is_refused() -> None:
    table = Table("t", MetaData(), Column("a", Text), Column("d", Date))
    with pytest.raises(Malformed):
        PageTurn((1,), 10).beyond(table.c.a)
    with pytest.raises(Malformed):
        PageTurn(("x",), 10).beyond(table.c.a, table.c.d)
    assert PageTurn(("x", date(2024, 9, 1)), 10).beyond(table.c.a, table.c.d) is not None
    assert isinstance(decode_cursor(encode_cursor((datetime(2024, 9, 1, tzinfo=UTC),)))[0], datetime)
