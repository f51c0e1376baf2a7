"""The same county given to Splink, which gets names and numbers already normalised by our reader."""

from __future__ import annotations

import csv
import json
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from bench.linkage_peer import FIELDS
from bench.matching_counties import Judged
from bench.matching_judging import TruthRow
from services.matching.names import comparable

PROGRAM = Path(__file__).with_name("linkage_peer.py")
TIME_LIMIT_SECONDS = 1_800.0

Pair = tuple[float, bool]  # weight, right


def compare(interpreter: str, judged: Judged) -> str:
    """One line: best F1 with its threshold, and the recall before the first false link."""
    with tempfile.TemporaryDirectory(prefix="rollcall-peer-") as name:
        folder = Path(name)
        truth = _write(folder, judged)
        ran = subprocess.run(
            [interpreter, str(PROGRAM), str(folder)], capture_output=True, text=True, timeout=TIME_LIMIT_SECONDS
        )
        if ran.returncode:
            return f"splink: could not run: {ran.stderr.strip().splitlines()[-1:]}"
        seconds = json.loads(ran.stdout.splitlines()[-1])["seconds"]
        pairs = _pairs(folder / "pairs.csv", truth)
    wanted = sum(row.student_row is not None and row.state == "linked" for row in truth)
    best, precision, recall, weight = best_f1(pairs, wanted)
    before = recall_before_first_false(pairs, wanted)
    return (
        f"splink on the first county, {len(truth):,} rows, {seconds:.0f} s: best F1 {best:.4f} at weight {weight:.1f} "
        f"(precision {precision:.4f}, recall {recall:.4f}); recall {before:.3f} before its first false link"
    )


def best_f1(pairs: Iterable[Pair], wanted: int) -> tuple[float, float, float, float]:
    """(F1, precision, recall, weight) at the threshold with the greatest F1; `wanted` pairs would be right."""
    found = right = 0
    best = (0.0, 0.0, 0.0, 0.0)
    for weight, good in sorted(pairs, reverse=True):
        found, right = found + 1, right + good
        score = 2 * right / (found + wanted)
        best = max(best, (score, right / found, right / wanted, weight))
    return best


def recall_before_first_false(pairs: Iterable[Pair], wanted: int) -> float:
    """The share of wanted pairs with a greater weight than every wrong one."""
    wrong = max((weight for weight, good in pairs if not good), default=float("-inf"))
    return sum(good and weight > wrong for weight, good in pairs) / wanted


def _write(folder: Path, judged: Judged) -> list[TruthRow]:
    truth: list[TruthRow] = []
    with (folder / "students.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("unique_id", *FIELDS))
        for s in judged.result.students:
            number = s.id_number or s.id_text
            writer.writerow(
                (s.student_id, number, s.name, s.birth_date or "", s.sex or "", s.school_key, s.guardian_name)
            )
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("unique_id", *FIELDS))
        for kind, decided in judged.result.decided.items():
            for known, found in zip(judged.truth[kind], decided, strict=True):
                row = found.entry
                guardian = comparable(row.guardian_name or row.head_name)
                born = row.birth_date or row.suggested_birth_date or ""
                number = row.id_number or row.id_text
                cells = (number, comparable(row.name), born, row.sex or "", row.school_key or "", guardian)
                writer.writerow((len(truth), *cells))
                truth.append(known)
    return truth


def _pairs(path: Path, truth: list[TruthRow]) -> list[Pair]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            (float(line["weight"]), truth[int(line["row"])].student_row == int(line["student"]))
            for line in csv.DictReader(file)
        ]
