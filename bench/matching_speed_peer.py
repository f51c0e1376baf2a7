"""Splink on the files of a large county, end to end: from csv to scored pairs, and both programs' F1."""

from __future__ import annotations

import csv
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import polars
import python_calamine

from bench.matching_judging import KEEPERS, truth_rows
from bench.matching_peer import PROGRAM, TIME_LIMIT_SECONDS, Pair, best_f1
from cli.match_sheets import CANDIDATES, COVERED
from simulation.office_sheets import WIDE_FIELDS

LINK = 2.0  # above every score of a review
SEXES = {"男": "male", "女": "female"}


def f1_line(folder: Path, out: Path) -> str:
    """F1 of the automatic links against the truth, and the best F1 when reviews count too: each with its first
    candidate, down to the score that serves best, as the truth tells. That is how Splink's best F1 is found."""
    truth = truth_rows(folder)
    wanted = sum(row.student_row is not None and row.state == "linked" for rows in truth.values() for row in rows)
    offered = _first_candidates(out / "review.xlsx")
    pairs: list[Pair] = []
    with (out / "links.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            own = truth[line["list"]][int(line["row"]) - 1].student_row
            if line["state"] == "linked":
                pairs.append((LINK, own == int(line["student_row"])))
            elif line["state"] == "review":
                pairs.append((float(line["score"]), own == next(offered[line["list"]])))
    links = [good for weight, good in pairs if weight == LINK]
    automatic = 2 * sum(links) / (len(links) + wanted)
    score, precision, recall, _ = best_f1(pairs, wanted)
    return (
        f"F1 of its links {automatic:.4f} ({links.count(False)} false); best F1 with reviews {score:.4f} "
        f"(precision {precision:.4f}, recall {recall:.4f})"
    )


def _first_candidates(path: Path) -> dict[str, Iterator[int | None]]:
    """List → the first candidate of each of its reviews, in row order. A head's covered members are no reviews."""
    book = python_calamine.CalamineWorkbook.from_path(str(path))
    found: dict[str, list[int | None]] = {}
    for name in book.sheet_names:
        if name.endswith(COVERED):
            continue
        titles, *rows = book.get_sheet_by_name(name).to_python()
        place = titles.index(CANDIDATES[0])
        kind = next(kind for kind, files in KEEPERS.items() if any(f"_{each}" in name for each in files))
        firsts = (str(row[place]).partition("、")[0].partition(".")[0] for row in rows)
        found.setdefault(kind, []).extend(int(each) if each else None for each in firsts)
    return {kind: iter(each) for kind, each in found.items()}


def splink_line(interpreter: str, folder: Path, our_seconds: float) -> str:
    """Seconds, best F1 and the ratio to our run. Reading and writing the tables counts for both."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="rollcall-splink-") as name:
        work = Path(name)
        _students(folder / "students.csv").write_csv(work / "students.csv")
        _rows(folder).write_csv(work / "rows.csv")
        program = [interpreter, str(PROGRAM), str(work)]
        ran = subprocess.run(program, capture_output=True, text=True, timeout=TIME_LIMIT_SECONDS)
        if ran.returncode:
            return f"splink: could not run: {ran.stderr.strip().splitlines()[-1:]}"
        inside = json.loads(ran.stdout.splitlines()[-1])["seconds"]
        seconds = time.perf_counter() - began
        truth = [row for rows in truth_rows(folder).values() for row in rows]
        found = polars.read_csv(work / "pairs.csv")
    wanted = sum(row.student_row is not None and row.state == "linked" for row in truth)
    pairs = [(weight, truth[row].student_row == student) for row, student, weight in found.iter_rows()]
    score, precision, recall, _ = best_f1(pairs, wanted)
    return (
        f"splink: {seconds:.0f} s ({inside:.0f} s in it), {seconds / our_seconds:.1f} × ours; best F1 {score:.4f} "
        f"(precision {precision:.4f}, recall {recall:.4f})"
    )


def _students(path: Path) -> polars.DataFrame:
    table = polars.read_csv(path, infer_schema=False)
    return table.select(
        polars.int_range(1, polars.len() + 1).alias("unique_id"),
        polars.col("身份证号").alias("id_number"),
        polars.col("姓名").alias("name"),
        polars.col("出生日期").alias("birth_date"),
        polars.col("性别").replace(SEXES).alias("sex"),
        polars.col("学校名称").alias("school"),
        polars.col("监护人姓名").alias("guardian"),
    )


def _rows(folder: Path) -> polars.DataFrame:
    tables = [_list(folder / f"{part}.csv", part) for parts in KEEPERS.values() for part in parts]
    joined = polars.concat(tables)
    return joined.select(polars.int_range(0, polars.len()).alias("unique_id"), polars.all())


def _list(path: Path, name: str) -> polars.DataFrame:
    header = WIDE_FIELDS[name]
    table = polars.read_csv(path, infer_schema=False)
    number = polars.col(header.get("id_number") or header["certificate_number"])
    number = number.str.replace_all(r"[\s'‘`]", "").str.to_uppercase().str.slice(0, 18)
    stated = polars.col(header["birth_date"]).str.replace_all(r"\D", "")
    born = polars.when(stated.str.len_chars() == 8).then(stated).otherwise(number.str.slice(6, 8))
    return table.select(
        number.alias("id_number"),
        polars.col(header["name"]).str.replace_all(r"\s", "").alias("name"),
        born.alias("birth_date"),
        polars.col(header["sex"]).replace(SEXES).alias("sex"),
        (polars.col(header["school"]) if "school" in header else polars.lit("")).alias("school"),
        polars.col(header.get("guardian_name") or header["head_name"]).alias("guardian"),
    )
