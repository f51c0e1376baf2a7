"""csv in the encodings offices use, streamed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from shared.tabular.book import open_book
from shared.tabular.csv_text import detect_encoding, open_csv
from shared.tabular.errors import NotAWorkbook, TextUnreadable

TEXT = "姓名,身份证号\n张三,440524188001010014\n𠮷田·龘,11010519491231002X\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_the_encoding_is_found(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT.encode(encoding))
    rows = list(open_csv(path).iter_rows())
    assert rows == [line.split(",") for line in TEXT.splitlines()]


def test_a_character_across_the_chunk_border_does_not_mislead(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"x" * (1024 * 1024 - 1) + "张".encode())
    assert detect_encoding(path) == "utf-8"


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"姓名{delimiter}性别\n张三{delimiter}男\n", encoding="utf-8")
    assert list(open_csv(path).iter_rows()) == [["姓名", "性别"], ["张三", "男"]]


def test_binary_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\x00\x01\xff")
    with pytest.raises(TextUnreadable):
        open_csv(path)


def test_bytes_in_no_known_encoding_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("姓名".encode("gb18030") + b"\xff\xff,\n")
    with pytest.raises(TextUnreadable):
        open_csv(path)


def test_an_endless_quote_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('姓名\n"' + "x" * 200_000, encoding="utf-8")
    with pytest.raises(TextUnreadable) as refused:
        list(open_csv(path).iter_rows())
    assert refused.value.facts["line"] >= 2


def test_content_decides_what_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text(TEXT, encoding="utf-8")
    with pytest.raises(NotAWorkbook):
        open_book(tmp_path / "a.xlsx")


def test_two_hundred_thousand_rows_pass_in_seconds(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("张三,440524188001010014,男,某镇某村,1\n" * 200_000, encoding="gb18030")
    begun = time.perf_counter()
    assert sum(1 for _ in open_csv(path).iter_rows()) == 200_000
    assert time.perf_counter() - begun < 5
