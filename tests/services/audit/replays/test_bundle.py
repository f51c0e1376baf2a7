"""A bundle proves a replay offline; made elsewhere it has the same bytes; whatever is changed in it is named."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import polars
import pytest
from python_calamine import CalamineWorkbook

from services.audit.errors import BundleTooLarge, NotByStudent, NotYetClosed
from services.audit.replays.bundle_checking import BundleBroken, Checked, check_bundle
from services.audit.replays.bundle_format import ANSWER, NOTE, signed_answer
from services.audit.replays.bundling import Bundles
from services.audit.replays.person import person_file
from services.audit.replays.replaying import Question, Replays
from services.audit.replays.result_files import fixed_zip, parquet, result_files
from services.audit.snapshots.shelf import Shelf
from services.audit.snapshots.snapshotter import Snapshotter
from shared.database.database import Database, driver
from shared.transparency.notes import Verifier
from tests.services.audit.replays.conftest import KEYS, SEEDS
from tests.services.audit.replays.county import County
from tests.services.audit.replays.test_replaying import TODAY
from tests.services.installation import DIVISION


@pytest.fixture(scope="module")
def made(bundles: Bundles, county: County) -> bytes:
    return bundles.make(Question("payments", TODAY, county.moments[2].at), with_log=True)


def entries_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def again(content: bytes, **changed: bytes) -> bytes:
    """The bundle with some files replaced, zipped as a bundle is; ``_`` stands for ``.``, ``__`` for ``/``."""
    files = entries_of(content)
    named = {name.replace("__", "/").replace("_", "."): value for name, value in changed.items()}
    return fixed_zip(files | named, first=ANSWER)


def signed_again(content: bytes, change: Callable[[dict[str, Any]], object], **changed: bytes) -> bytes:
    """What audit itself could forge: another answer, signed with its key."""
    answer = json.loads(entries_of(content)[ANSWER])
    change(answer)
    told = msgspec.json.encode(answer, order="sorted")
    note = signed_answer(told, DIVISION, [SEEDS["audit"]]).encode()
    return again(content, answer_json=told, answer_note=note, **changed)


def test_a_bundle_is_checked_with_nothing_but_the_keys(made: bytes, county: County) -> None:
    found = check_bundle(made, KEYS)
    assert found.answer.rows == len(county.moments[2].paid)
    assert found.logs_checked == ["disbursement", "matching", "registry"] == sorted(found.answer.logs)
    for service, cut in found.answer.logs.items():
        assert cut.log_index < found.checkpoints[service] == len(county.installation.entries(service))
    types = {each.type for each in found.answer.configuration}
    assert "disbursement.ProgrammeActivated.v1" in types
    assert all(len(str(each.content_hash)) == 64 for each in found.answer.configuration)


def test_a_bundle_made_from_a_snapshot_has_the_same_bytes(made: bytes, bundles: Bundles, county: County) -> None:
    replays = county.replays
    shelf = Shelf(replays.database, replays.keyring)
    quick = Bundles(dataclasses.replace(replays, shelf=shelf), bundles.division, bundles.seeds)
    projections = [replays.views[name].projection for name in ("payments", "students", "roster")]
    writer = Snapshotter(shelf, {})
    question, student = Question("payments", TODAY, county.moments[2].at), county.paid
    try:
        for projection in projections:
            assert writer.write(projection, county.moments[1].at) is not None
        answer = quick.replays.ask(question)
        assert answer.began.snapshot is not None
        assert 0 < answer.began.log_index["disbursement"] < answer.log_index["disbursement"]
        assert quick.make(question, with_log=True) == made
        at = county.end.at
        assert quick.make_person(student, at, TODAY) == bundles.make_person(student, at, TODAY)
    finally:
        shelf.drop(shelf.unusable([]))


def test_the_three_forms_of_the_result_say_the_same(made: bytes, tmp_path: Path) -> None:
    files = entries_of(made)
    rows = json.loads(files["result.json"])
    table = polars.read_parquet(io.BytesIO(files["result.parquet"])).to_dicts()
    assert table == rows and len(rows) > 1
    (tmp_path / "r.xlsx").write_bytes(files["result.xlsx"])
    head, *cells = CalamineWorkbook.from_path(str(tmp_path / "r.xlsx")).get_sheet_by_name("payments").to_python()
    assert (
        head == list(table[0])
        and sorted(head) == sorted(rows[0])
        and [row[head.index("reference")] for row in cells] == [r["reference"] for r in rows]
    )


def test_without_the_log_it_is_smaller_and_still_proves_its_cut(bundles: Bundles, county: County, made: bytes) -> None:
    small = bundles.make(Question("payments", TODAY, county.moments[2].at))
    found = check_bundle(small, KEYS)
    assert found.logs_checked == [] and found.answer.result == check_bundle(made, KEYS).answer.result
    assert len(small) < len(made)


def test_the_same_replay_on_another_database_has_the_same_bytes(
    county: County, bundles: Bundles, made: bytes, postgres: Any
) -> None:
    other = Database("audit", postgres.dsn(), name="audit_elsewhere")
    other.prepare(county.audit.steps)
    with county.audit.database.owner() as here, other.owner() as there:
        for table in ("archive", "archive_heads", "told_checkpoints"):
            # The identity of a told checkpoint is each witness's own; another one even hears them in another order.
            columns = "service, size, root, note" if table == "told_checkpoints" else "*"
            with driver(here).cursor() as source, driver(there).cursor() as target:
                rows = source.execute(f"SELECT {columns} FROM {table} ORDER BY 1 DESC, 2 DESC".encode()).fetchall()
                places = ", ".join(["%s"] * len(rows[0]))
                target.executemany(
                    f"INSERT INTO {table}{'' if columns == '*' else f' ({columns})'} VALUES ({places})".encode(), rows
                )
    elsewhere = Replays(other, county.installation.keyring, county.replays.views, county.replays.running)
    question = Question("payments", TODAY, county.moments[2].at)
    try:
        assert Bundles(elsewhere, DIVISION, [SEEDS["audit"]]).make(question, with_log=True) == made
    finally:
        other.close()
        postgres.drop_databases(["audit_elsewhere"])
    assert bundles.make(question, with_log=True) == made


def test_files_of_a_result_are_the_same_in_another_process(made: bytes) -> None:
    rows = json.loads(entries_of(made)["result.json"])
    program = (
        "import hashlib, json, sys; from services.audit.replays.result_files import result_files;"
        "files = result_files('payments', json.load(sys.stdin));"
        "print(json.dumps({name: hashlib.sha256(content).hexdigest() for name, content in files.items()}))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(rows), capture_output=True, text=True, check=True
    )
    here = {name: hashlib.sha256(content).hexdigest() for name, content in result_files("payments", rows).items()}
    assert json.loads(told.stdout) == here


def test_any_byte_that_is_changed_is_noticed(made: bytes) -> None:
    for at in {0, 7, 12, 30, len(made) // 3, len(made) // 2, len(made) - 1, *range(11, len(made), len(made) // 150)}:
        with pytest.raises(BundleBroken):
            check_bundle(made[:at] + bytes([made[at] ^ 1]) + made[at + 1 :], KEYS)
    for cut in (made[:-1], made + b"\n", made[: len(made) // 2], b"", b"PK"):
        with pytest.raises(BundleBroken):
            check_bundle(cut, KEYS)


@pytest.mark.parametrize("name", ["result.json", "result.xlsx", "result.parquet", "log/registry.ndjson"])
def test_a_file_that_is_changed_is_named(made: bytes, name: str) -> None:
    files = entries_of(made)
    files[name] = files[name][:50] + bytes([files[name][50] ^ 1]) + files[name][51:]
    with pytest.raises(BundleBroken, match=f"^{re.escape(name)}: its bytes are not"):
        check_bundle(fixed_zip(files, first=ANSWER), KEYS)
    del files[name]
    with pytest.raises(BundleBroken, match=f"^{re.escape(name)}: it is missing"):
        check_bundle(fixed_zip(files, first=ANSWER), KEYS)
    with pytest.raises(BundleBroken, match=r"^more\.txt: it is not named"):
        check_bundle(again(made, more_txt=b""), KEYS)


def test_other_keys_prove_nothing(made: bytes) -> None:
    others = [Verifier(key.name, key.kind, bytes(32)) for key in KEYS]
    for keys in ([], others, [key for key in KEYS if not key.name.endswith("/audit")]):
        with pytest.raises(BundleBroken, match=r"^answer\.note: "):
            check_bundle(made, keys)
    with pytest.raises(BundleBroken, match=r"^checkpoints\.json: registry: "):
        check_bundle(made, [key for key in KEYS if not key.name.endswith("/registry")])


def test_an_answer_that_was_rewritten_is_not_the_one_signed(made: bytes) -> None:
    answer = json.loads(entries_of(made)[ANSWER])
    answer["rows"] = 0
    with pytest.raises(BundleBroken, match=r"^answer\.note: "):
        check_bundle(again(made, answer_json=json.dumps(answer).encode()), KEYS)


def test_even_audit_itself_cannot_put_another_cut_or_log_under_the_services_signatures(made: bytes) -> None:
    def earlier(answer: dict[str, Any]) -> None:
        answer["logs"]["registry"]["log_index"] -= 1

    with pytest.raises(BundleBroken, match=r"^checkpoints\.json: registry: "):
        check_bundle(signed_again(made, earlier), KEYS)
    lines = entries_of(made)["log/registry.ndjson"].splitlines(keepends=True)
    log = b"".join([*lines[:3], lines[3].replace(b'"test"', b'"else"', 1), *lines[4:]])

    def named(answer: dict[str, Any]) -> None:
        answer["files"]["log/registry.ndjson"] = hashlib.sha256(log).hexdigest()

    with pytest.raises(BundleBroken, match=r"^log/registry\.ndjson: registry #4: wrong_leaf"):
        check_bundle(signed_again(made, named, log__registry_ndjson=log), KEYS)
    short = b"".join(lines[:-1])

    def cut_off(answer: dict[str, Any]) -> None:
        answer["files"]["log/registry.ndjson"] = hashlib.sha256(short).hexdigest()

    with pytest.raises(BundleBroken, match=r"^log/registry\.ndjson: its \d+ events do not have the root"):
        check_bundle(signed_again(made, cut_off, log__registry_ndjson=short), KEYS)
    with pytest.raises(BundleBroken, match="format"):
        check_bundle(signed_again(made, lambda answer: answer.update(format="rollcall-bundle/9")), KEYS)


def test_a_packed_bundle_is_refused_unread(made: bytes) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in entries_of(made).items():
            target.writestr(name, content)
    with pytest.raises(BundleBroken, match="packed"):
        check_bundle(packed.getvalue(), KEYS)


def test_a_moment_that_cannot_be_known_has_no_bundle(bundles: Bundles, county: County) -> None:
    with pytest.raises(NotYetClosed):
        bundles.make(Question("payments", TODAY, county.end.at.replace(year=2099)))
    with pytest.raises(NotByStudent):
        bundles.make(Question("schools", TODAY, county.end.at, student_id=county.paid))


def test_a_students_whole_file_is_bundled_and_proved_like_a_view(bundles: Bundles, county: County) -> None:
    question = (county.paid, county.end.at, TODAY)
    made = bundles.make_person(*question, with_log=True)
    found = check_bundle(made, KEYS)
    assert found.answer.asked.view == "person" and found.answer.asked.student_id == str(county.paid)
    rows = json.loads(entries_of(made)["result.json"])
    file = person_file(county.replays, *question)
    assert [row["part"] for row in rows if row["part"] != "events"] == [
        view for view, shown in file.views.items() for _ in shown
    ]
    assert len([row for row in rows if row["part"] == "events"]) == len(file.events)
    assert found.logs_checked == sorted(found.answer.logs)


def test_values_of_every_kind_have_a_place_in_a_table() -> None:
    rows: list[dict[str, Any]] = [
        {"a": 1, "b": "x", "c": True, "d": [1, "二"], "e": None, "f": 1, "g": "t"},
        {"a": 2, "b": None, "c": None, "d": None, "e": None, "f": 0.5, "g": 3},
    ]
    table = polars.read_parquet(io.BytesIO(parquet(rows))).to_dicts()
    assert table[0] == {"a": 1, "b": "x", "c": True, "d": '[1, "二"]', "e": None, "f": 1.0, "g": "t"}
    assert table[1] == {"a": 2, "b": None, "c": None, "d": None, "e": None, "f": 0.5, "g": "3"}
    assert parquet([]) == parquet([]) and result_files("payments", [])["result.json"] == b"[]"


def test_the_note_is_no_checkpoint(made: bytes) -> None:
    assert isinstance(check_bundle(made, KEYS), Checked)
    assert entries_of(made)[NOTE].decode().split("\n")[1] == "rollcall-bundle/1"


def a_difference(bundles: Bundles, county: County, *, with_log: bool = False) -> bytes:
    """Of the payments of one step."""
    before, after = (Question("payments", TODAY, county.moments[step].at) for step in (1, 2))
    return bundles.make_difference(before, after, with_log=with_log)


def test_a_difference_is_worked_out_again_by_whoever_checks_it(bundles: Bundles, county: County) -> None:
    made = a_difference(bundles, county, with_log=True)
    found = check_bundle(made, KEYS)
    assert made == a_difference(bundles, county, with_log=True)
    assert found.answer.rows == len(county.moments[2].paid) - len(county.moments[1].paid) > 0
    earlier = found.answer.earlier_logs
    assert isinstance(earlier, dict)
    assert earlier["disbursement"].log_index < found.answer.logs["disbursement"].log_index
    files = entries_of(made)
    assert len(json.loads(files["before.json"])) == len(county.moments[1].paid)
    table = polars.read_parquet(io.BytesIO(files["result.parquet"])).to_dicts()
    assert {row["kind"] for row in table} == {"added"}
    assert all("AidDisbursed" in row["causes"] for row in table)


def test_even_audit_itself_cannot_tell_another_difference_than_its_rows_show(bundles: Bundles, county: County) -> None:
    made = a_difference(bundles, county)
    files = entries_of(made)
    rows = json.loads(files["after.json"])[:-1]
    fewer = json.dumps(rows, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    def named(answer: dict[str, Any]) -> None:
        answer["files"]["after.json"] = hashlib.sha256(fewer).hexdigest()

    with pytest.raises(BundleBroken, match=r"^result\.json: it is not what changed"):
        check_bundle(signed_again(made, named, after_json=fewer), KEYS)

    def later(answer: dict[str, Any]) -> None:
        answer["earlier_logs"]["disbursement"]["log_index"] += 1

    with pytest.raises(BundleBroken, match=r"^checkpoints\.json: disbursement: "):
        check_bundle(signed_again(made, later), KEYS)
    with pytest.raises(BundleBroken, match=r"^answer\.json: it tells only one half"):
        check_bundle(signed_again(made, lambda answer: answer["asked"].pop("before")), KEYS)


def test_as_many_events_as_allowed_go_into_a_bundle_and_not_one_more(bundles: Bundles, county: County) -> None:
    question = Question("payments", TODAY, county.moments[2].at)
    events = sum(county.replays.ask(question).log_index.values())
    full = dataclasses.replace(bundles, log_events=events).make(question, with_log=True)
    assert check_bundle(full, KEYS).logs_checked == ["disbursement", "matching", "registry"]
    small = dataclasses.replace(bundles, log_events=events - 1)
    with pytest.raises(BundleTooLarge) as refused:
        small.make(question, with_log=True)
    assert refused.value.facts == {"events": events, "limit": events - 1}
    assert check_bundle(small.make(question), KEYS).answer.rows == len(county.moments[2].paid)
