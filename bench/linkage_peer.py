"""Peer: Splink (Fellegi–Sunter with EM, on DuckDB) set up by hand. Run alone in an interpreter that has it.

Reads students.csv and rows.csv (unique_id and the fields below) in a folder, writes pairs.csv (row, student, weight):
the best student of every row that has any; prints seconds as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

FIELDS = ("id_number", "name", "birth_date", "sex", "school", "guardian")


def main(folder: Path) -> None:
    import duckdb
    import splink.comparison_library as compare
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    began = time.perf_counter()
    connection = duckdb.connect()
    for name in ("students", "rows"):
        columns = ", ".join(f"nullif({field}, '') AS {field}" for field in FIELDS)
        path = folder / f"{name}.csv"
        connection.execute(
            f"CREATE TABLE {name} AS SELECT unique_id::BIGINT AS unique_id, {columns}"
            f" FROM read_csv('{path}', header = true, all_varchar = true)"
        )
    database = DuckDBAPI(connection=connection)
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[
            compare.DamerauLevenshteinAtThresholds("id_number", [1, 2]),
            compare.JaroWinklerAtThresholds("name", [0.8, 0.6]).configure(term_frequency_adjustments=True),
            compare.DamerauLevenshteinAtThresholds("birth_date", [1]),
            compare.ExactMatch("sex"),
            compare.ExactMatch("school"),
            compare.ExactMatch("guardian"),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("id_number"),
            block_on("name", "sex"),
            block_on("birth_date", "sex"),
        ],
        retain_matching_columns=False,
    )
    tables = [database.register(name, dataset_display_name=name) for name in ("students", "rows")]
    linker = Linker(tables, settings, log_level=None)
    linker.training.estimate_probability_two_random_records_match([block_on("id_number")], recall=0.9)
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    for rule in (block_on("id_number"), block_on("name", "birth_date")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule, record_sample_proportion=1.0)
    found = linker.inference.predict(threshold_match_weight=-10).physical_name
    pairs = f"""
        COPY (SELECT CASE WHEN source_dataset_l = 'rows' THEN unique_id_l ELSE unique_id_r END AS row,
                     CASE WHEN source_dataset_l = 'rows' THEN unique_id_r ELSE unique_id_l END AS student,
                     match_weight AS weight FROM {found}
              QUALIFY row_number() OVER (PARTITION BY row ORDER BY match_weight DESC, student) = 1)
        TO '{folder / "pairs.csv"}' (HEADER)
    """
    connection.execute(pairs)
    print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
