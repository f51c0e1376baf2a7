"""The cases leave nothing out: every reason the engine can give, and every rule in every state it can end in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from services import matching
from services.matching.name_relation import COMPATIBLE, NameRelation
from services.matching.outcome import REASONS, State
from shared.standards import identity_number
from tests.services.matching.cases import people
from tests.services.matching.cases.every import CASES
from tests.simulation.county_files import iso_valid

CASES_LEAST = 220
PACKAGE = Path(matching.__file__).parent
# Where outcomes are made: function → place of the reason among its arguments.
MAKERS = {"Outcome": 3, "review": 1, "linked": 1, "_settled": 0}
# What stands behind the beginning of a reason that the code completes.
COMPLETED = {
    "name_": [relation.value for relation in COMPATIBLE - {NameRelation.EQUAL}],
    "number_": [*(code for code in identity_number.MESSAGES if code != "empty"), "other_document"],
}
LINKED, REVIEW, AWAY, ABSENT, OUT, BAD = (
    *(State.LINKED, State.REVIEW, State.REGISTERED_ELSEWHERE, State.NOT_IN_REGISTER, State.OUT_OF_AGE, State.REJECTED),
)
ENDINGS = {
    *((LINKED, rule) for rule in ("R0", "R1", "R2", "R4", "R6")),  # R3 and R5 never link, R7 is about a head
    *((REVIEW, rule) for rule in ("R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7")),
    *((state, "R7") for state in (OUT, ABSENT, AWAY)),  # a head who is no student here, and his household
    (ABSENT, "R0"),
    *((state, "") for state in (ABSENT, AWAY, OUT, BAD)),
}


def reasons_in_the_code() -> set[str]:
    """Every reason that the modules of matching write."""
    found: set[str] = set()
    for path in sorted(PACKAGE.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS:
                found.update(_texts(node.args[MAKERS[node.func.id]], functions))
    return found


def _texts(node: ast.expr, functions: dict[str, ast.FunctionDef]) -> Iterator[str]:
    """The texts that an expression can be, through conditions, names that were assigned and the module's functions."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp():
            yield from _texts(node.body, functions)
            yield from _texts(node.orelse, functions)
        case ast.JoinedStr(values=[ast.Constant(value=str(beginning)), *_]):
            yield from (beginning + end for end in COMPLETED[beginning])
        case ast.Call(func=ast.Name(id=name)):
            yield from _returned(functions[name], functions)
        case ast.Name(id=name):
            yield from _assigned(name, functions)


def _returned(function: ast.FunctionDef, functions: dict[str, ast.FunctionDef]) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value is not None:
            yield from _texts(node.value, functions)


def _assigned(name: str, functions: dict[str, ast.FunctionDef]) -> Iterator[str]:
    for function in functions.values():
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
                yield from _texts(node.value, functions)


def test_every_reason_the_code_can_give_is_explained_and_every_explanation_is_given() -> None:
    assert reasons_in_the_code() == set(REASONS)


def test_every_reason_is_expected_by_a_case() -> None:
    assert {case.expected.reason for case in CASES} == set(REASONS)


def test_every_rule_is_shown_in_every_state_it_ends_in() -> None:
    assert {(case.expected.state, case.expected.rule) for case in CASES} == ENDINGS


def test_there_are_enough_cases_and_each_says_something_else() -> None:
    sentences = [case.sentence for case in CASES]
    assert len(sentences) >= CASES_LEAST
    assert len(set(sentences)) == len(sentences)


def test_the_numbers_of_the_people_are_valid_and_all_different() -> None:
    assert all(map(iso_valid, people.VALID))
    assert len(set(people.VALID)) == len(people.VALID)
