"""`python -m cli.train_model`: trains the county model from a register and its lists; nobody says who is who.

A county is a folder with the files that `rollcall simulate` writes, or the same files from real offices. The shipped
model was made, from counties that no benchmark measures, by

    python -m cli.train_model --out services/matching/scoring/county.json --version county-1

An installation takes a file of its own as a proposal (docs/operate.md, "The matching model").
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from cli.match_engine import entry_records, student_of
from services.matching.errors import ModelUnusable
from services.matching.model_change import usable
from services.matching.records import EntryRecord
from services.matching.scoring import ModelRefused, Thresholds
from services.matching.scoring.county_training import County, train_county
from services.registry.sheets.lists import LIST_NAMES
from services.registry.sheets.schools import SchoolDirectory
from services.registry.sheets.sheet_files import REGISTER, open_inputs, read_list, read_register
from simulation.clerks import Level
from simulation.county import Settings, simulate

REFUSED_STATUS = 1
FILES: dict[str, tuple[str, ...]] = {
    REGISTER: ("students",),
    "poverty": ("poverty",),
    "civil": ("civil", "hardship"),
    "disability": ("disability",),
}
SUFFIXES = (".csv", ".xlsx", ".xls")
SEEDS = (901, 902, 903)  # never those of a benchmark or a test
LEVELS: tuple[Level, ...] = ("moderate", "heavy")
# In bits of the odds, reckoned for a register of a million: by the model itself a link without a person is wrong less
# than once in thirty thousand, and a person looks at whoever is likelier the same child than not.
AUTOMATIC, REVIEW = 15.0, 0.0


def main(
    out: Annotated[Path, typer.Option("--out", help="The model's file; replaced.")],
    version: Annotated[str, typer.Option("--version", help="Name of this model, e.g. county-2.")],
    county: Annotated[list[Path] | None, typer.Option("--county", help="Folder of a county; repeatable.")] = None,
    students: Annotated[int, typer.Option("--students", help="Students of a simulated county.")] = 20_000,
    seed: Annotated[list[int] | None, typer.Option("--seed", help="Seeds of simulated counties.")] = None,
    automatic: Annotated[float, typer.Option("--automatic", help="Least weight of an automatic link.")] = AUTOMATIC,
    review: Annotated[float, typer.Option("--review", help="Least weight of a review.")] = REVIEW,
) -> None:
    """Train on the folders given, or else on simulated counties with moderate and heavy errors.

    Exit codes: 0 done, 1 the figures make no model, 2 usage.
    """
    counties = (read_county(folder) for folder in county) if county else simulated(students, tuple(seed or SEEDS))
    try:
        model = usable(train_county(counties, version, Thresholds(automatic, review), seed=1).content)
    except (ModelRefused, ModelUnusable) as refused:
        sys.stderr.write(f"refused: {refused}\n")
        raise typer.Exit(REFUSED_STATUS) from refused
    out.write_text(json.dumps(model.as_json(), ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(f"{out} {model.hash}\n")


def simulated(students: int, seeds: tuple[int, ...]) -> Iterator[County]:
    """Counties written for the purpose, one at a time, and removed again."""
    for seed in seeds:
        for level in LEVELS:
            with tempfile.TemporaryDirectory(prefix="rollcall-train-") as name:
                simulate(Settings(students=students, seed=seed, file_format="csv", weeks=0, errors=level), Path(name))
                yield read_county(Path(name))


def read_county(folder: Path) -> County:
    """The records of a county's files. Raises FileNotFoundError without a register, TabularError for broken files."""
    paths = {kind: [path for stem in stems for path in _found(folder, stem)] for kind, stems in FILES.items()}
    if not paths[REGISTER]:
        raise FileNotFoundError(f"{folder} holds no {FILES[REGISTER][0]} file")
    opened = open_inputs(paths)
    schools = SchoolDirectory()
    students = [student_of(row, schools) for row in read_register(opened[REGISTER])]
    entries: list[EntryRecord] = []
    for kind in LIST_NAMES:
        if kind in opened:
            entries += entry_records(list(read_list(kind, opened[kind], schools)))
    return County(students, entries)


def _found(folder: Path, stem: str) -> list[Path]:
    return [folder / f"{stem}{suffix}" for suffix in SUFFIXES if (folder / f"{stem}{suffix}").is_file()][:1]


if __name__ == "__main__":
    typer.run(main)
