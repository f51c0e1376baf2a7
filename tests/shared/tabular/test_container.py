"""Zips that want to hurt are refused before a parser sees them."""

from __future__ import annotations

import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from shared.tabular.container import check_zip_workbook
from shared.tabular.errors import FileMissing, FileTooLarge, NotAWorkbook, WorkbookEncrypted, WorkbookUnsafe
from shared.tabular.limits import DEFAULT_LIMITS
from shared.tabular.sheets import read_workbook
from tests.shared.tabular.workbooks import lie_about_size, workbook, zip_with

MEGABYTE = 1024 * 1024


def test_an_honest_workbook_passes(tmp_path: Path) -> None:
    check_zip_workbook(workbook(tmp_path / "a.xlsx", [["姓名"], ["张三"]]), DEFAULT_LIMITS)


def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    bomb = zip_with(tmp_path / "a.xlsx", {"xl/worksheets/sheet1.xml": bytes(20 * MEGABYTE)})
    with pytest.raises(WorkbookUnsafe) as refused:
        read_workbook(bomb)
    assert refused.value.facts["what"] == "ratio"


def test_more_than_the_unpacked_limit_is_refused(tmp_path: Path) -> None:
    parts = {f"xl/media/{n}.bin": bytes(9 * MEGABYTE) for n in range(3)}
    large = zip_with(tmp_path / "a.xlsx", parts)
    with pytest.raises(WorkbookUnsafe) as refused:
        check_zip_workbook(large, replace(DEFAULT_LIMITS, unpacked_bytes=20 * MEGABYTE, ratio=10_000))
    assert refused.value.facts["what"] == "unpacked_bytes"


def test_a_directory_that_lies_about_sizes_is_refused(tmp_path: Path) -> None:
    bomb = zip_with(tmp_path / "a.xlsx", {"xl/worksheets/sheet1.xml": bytes(20 * MEGABYTE)})
    lie_about_size(bomb, "xl/worksheets/sheet1.xml", 1_000)
    with pytest.raises(WorkbookUnsafe) as refused:
        check_zip_workbook(bomb, DEFAULT_LIMITS)
    assert refused.value.facts["what"] == "lying_directory"
    assert refused.value.facts["found"] < 200_000, "inflating stops just past the claimed size"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize("packed", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_entities_are_refused_wherever_their_document_type_stands(tmp_path: Path, encoding: str, packed: int) -> None:
    """A piece is 64 KB: the document type is cut in two in one of them."""
    for before in (0, 65_530, 65_536 // 2 - 5):
        told = " " * before + '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY f SYSTEM "file:///etc/hostname">]><x>&a;&f;</x>'
        path = zip_with(tmp_path / f"{before}.xlsx", {})
        with zipfile.ZipFile(path, "a", packed) as archive:
            archive.writestr("xl/sharedStrings.xml", told.encode(encoding))
        with pytest.raises(WorkbookUnsafe) as refused:
            read_workbook(path)
        assert refused.value.facts["what"] == "document_type"


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    many = zip_with(tmp_path / "a.xlsx", {f"xl/{n}.xml": b"" for n in range(1_001)})
    with pytest.raises(WorkbookUnsafe) as refused:
        check_zip_workbook(many, DEFAULT_LIMITS)
    assert refused.value.facts["what"] == "entries"


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    path = zip_with(tmp_path / "a.xlsx", {})
    with pytest.warns(UserWarning), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/workbook.xml", b"<other/>")
    with pytest.raises(WorkbookUnsafe):
        check_zip_workbook(path, DEFAULT_LIMITS)


def test_an_encrypted_entry_is_named_as_such(tmp_path: Path) -> None:
    path = zip_with(tmp_path / "a.xlsx", {})
    content = bytearray(path.read_bytes())
    start = content.find(b"PK\x01\x02")
    struct.pack_into("<H", content, start + 8, 1)
    path.write_bytes(content)
    with pytest.raises(WorkbookEncrypted):
        check_zip_workbook(path, DEFAULT_LIMITS)


def test_a_zip_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(NotAWorkbook):
        read_workbook(tmp_path / "a.xlsx")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and nothing more", b"<html>not a sheet</html>"])
def test_forged_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(NotAWorkbook):
        read_workbook(tmp_path / "a.xlsx")


def test_a_truncated_workbook_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["姓名"], ["张三"]])
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(NotAWorkbook):
        read_workbook(path)


def test_an_ole_encrypted_workbook_gets_a_clear_error(tmp_path: Path) -> None:
    marks = "EncryptionInfo".encode("utf-16-le") + bytes(80) + "EncryptedPackage".encode("utf-16-le")
    (tmp_path / "a.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + marks)
    with pytest.raises(WorkbookEncrypted) as refused:
        read_workbook(tmp_path / "a.xlsx")
    assert "密码" in refused.value.zh


def test_an_ole_file_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "WordDocument".encode("utf-16-le")
    (tmp_path / "a.xls").write_bytes(content)
    with pytest.raises(NotAWorkbook):
        read_workbook(tmp_path / "a.xls")


def test_a_file_above_the_packed_limit_is_refused_unread(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["姓名"]])
    with pytest.raises(FileTooLarge):
        read_workbook(path, replace(DEFAULT_LIMITS, packed_bytes=100))


def test_a_missing_file_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        read_workbook(tmp_path / "none.xlsx")
