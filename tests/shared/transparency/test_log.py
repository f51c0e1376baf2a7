"""A service's log on a real database: signed as it grows, proved over HTTP, and never signed once it was altered."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from shared.database.database import driver
from shared.eventsourcing import log as event_log
from shared.transparency.answers import ConsistencyProof, InclusionProof
from shared.transparency.checkpointer import LogAltered, own_nodes
from shared.transparency.checkpoints import opened
from shared.transparency.exported import NotAnEventLine, read_line
from shared.transparency.notes import read_vkey
from shared.transparency.store_ranges import (
    ABSENT,
    first_difference,
    held,
    is_witness,
    proof_of_witness,
    range_root,
)
from shared.transparency.tree import Tree
from shared.transparency.verifying import verify_consistency, verify_inclusion
from tests.shared.transparency.a_log import NEW, OLD, READING, SignedLog, client, signed_log
from tests.support.trial import SOURCE, Server


@pytest.fixture(scope="module")
def log(postgres: Server) -> Iterator[SignedLog]:
    """700 events, signed at 3, 257 and 700."""
    with signed_log(postgres) as made:
        for count in (3, 254, 443):
            made.grow(count)
            made.sign()
        yield made


@pytest.fixture
def fresh(postgres: Server) -> Iterator[SignedLog]:
    with signed_log(postgres) as made:
        made.grow(300)
        made.sign()
        yield made


def leaves_of(log: SignedLog) -> list[bytes]:
    with log.trial.database.working() as connection:
        return [entry.logged.leaf for entry in event_log.entries(driver(connection))]


def test_each_checkpoint_has_the_root_of_a_tree_grown_leaf_by_leaf(log: SignedLog) -> None:
    tree, roots = Tree(), {}
    for leaf in leaves_of(log):
        tree.add(leaf)
        roots[tree.size] = tree.root()
    asked = client(log, "registrar")
    for size in (3, 257, 700):
        note = asked.get("/v1/log/checkpoint", params={"size": size}).text
        assert opened(note, [NEW.verifier]).checkpoint.root == roots[size]
    assert asked.get("/v1/log/checkpoint").text == note
    with log.trial.database.working() as connection:
        store = own_nodes(driver(connection), "trial")
        assert all(store.at(700).root(size) == root for size, root in roots.items())
        other = [bytes([n]) * 32 for n in range(188)]
        replaced = Tree()
        for leaf in [*leaves_of(log)[:512], *other]:
            replaced.add(leaf)
        assert store.at(700).replacing(2, other).root() == replaced.root()
        inner = Tree()
        for leaf in [*leaves_of(log)[:256], *other, *leaves_of(log)[444:]]:
            inner.add(leaf)
        assert store.at(700).replacing(1, [*other, *leaves_of(log)[444:512]]).root() == inner.root()


def test_every_event_is_proved_and_every_pair_of_checkpoints(log: SignedLog) -> None:
    asked, leaves = client(log, "agency_publisher"), leaves_of(log)
    for index in (1, 2, 256, 257, 258, 511, 699, 700):
        answer = asked.get("/v1/log/proof/inclusion", params={"index": index})
        assert len(answer.content) <= 3_072
        proof = InclusionProof.model_validate(answer.json())
        root = opened(proof.checkpoint, [NEW.verifier]).checkpoint.root
        verify_inclusion(leaves[index - 1], proof.log_index - 1, proof.size, proof.path, root)
    for old, new in ((3, 257), (3, 700), (257, 700), (700, 700)):
        found = ConsistencyProof.model_validate(
            asked.get("/v1/log/proof/consistency", params={"from": old, "to": new}).json()
        )
        roots = [
            opened(asked.get("/v1/log/checkpoint", params={"size": size}).text, [NEW.verifier]).checkpoint.root
            for size in (old, new)
        ]
        verify_consistency(old, roots[0], new, roots[1], found.path)


def test_an_event_is_asked_for_by_its_id_and_is_the_line_that_was_hashed(log: SignedLog) -> None:
    asked = client(log, "auditor")
    line = asked.get("/v1/log/events/258").content
    event = read_line(line)
    assert event.leaf == leaves_of(log)[257]
    proof = asked.get("/v1/log/proof/inclusion", params={"event_id": str(event.event.event_id), "size": 700}).json()
    assert proof["log_index"] == 258
    assert "王" not in line.decode()  # sealed as it is
    with pytest.raises(NotAnEventLine):
        read_line(json.dumps({**json.loads(line), "id": "x"}).encode())


def test_what_cannot_be_answered_is_refused(log: SignedLog) -> None:
    asked = client(log, "registrar")
    nobody = "019d0000-0000-7000-8000-000000000000"
    for path, params, status, code in (
        ("proof/inclusion", {}, 422, "ask_for_one"),
        ("proof/inclusion", {"index": 1, "event_id": nobody}, 422, "ask_for_one"),
        ("proof/inclusion", {"index": 0}, 422, "malformed"),
        ("proof/inclusion", {"index": 701}, 404, "no_such_event"),
        ("proof/inclusion", {"event_id": nobody}, 404, "no_such_event"),
        ("proof/inclusion", {"index": 1, "size": 699}, 409, "no_such_checkpoint"),
        ("proof/inclusion", {"index": 300, "size": 257}, 409, "not_signed_yet"),
        ("proof/consistency", {"from": 701}, 409, "no_such_checkpoint"),
        ("proof/consistency", {"from": 3, "to": 4}, 409, "no_such_checkpoint"),
        ("checkpoint", {"size": 4}, 409, "no_such_checkpoint"),
        ("events/1", {}, 403, "forbidden"),
        ("store", {"first": 1, "last": 2}, 401, "not_the_witness"),
    ):
        answer = asked.get(f"/v1/log/{path}", params=params)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (path, params)
    assert client(log).get("/v1/log/checkpoint").status_code == 401
    assert client(log, "auditor").get("/v1/log/events/701").status_code == 404
    assert client(log, "auditor", division="460200").get("/v1/log/events/1").status_code == 404


def test_before_the_first_signature_nothing_is_proved(postgres: Server) -> None:
    with signed_log(postgres) as log:
        log.grow(1)
        answer = client(log, "registrar").get("/v1/log/proof/inclusion", params={"index": 1})
        assert (answer.status_code, answer.json()["code"]) == (409, "nothing_signed")


def test_the_witness_alone_reads_what_the_store_holds(log: SignedLog) -> None:
    asked = client(log)
    path = "/v1/log/store?first=5&last=300"
    answer = asked.get(path, headers={"authorization": proof_of_witness(READING, path)}).json()
    with log.trial.database.working() as connection:
        rows, leaves = held(driver(connection), SOURCE, 5, 300)
    assert rows == leaves == leaves_of(log)[4:300]
    assert answer["size"] == 700
    assert answer["rows"] == answer["leaves"]
    wide = "/v1/log/store?first=1&last=5000"
    assert asked.get(wide, headers={"authorization": proof_of_witness(READING, wide)}).status_code == 422
    for given in (proof_of_witness(READING, wide), proof_of_witness(b"x" * 32, path), "Bearer x", "Witness ٣.x", ""):
        assert asked.get(path, headers={"authorization": given.encode()}).status_code == 401
    assert is_witness(READING, path, proof_of_witness(READING, path, 1_000), 1_059)
    assert not is_witness(READING, path, proof_of_witness(READING, path, 1_000), 1_061)


@pytest.mark.parametrize("wrong", [1, 2, 777, 1_023, 1_024])
def test_the_first_difference_is_found_with_few_questions(wrong: int) -> None:
    asked: list[tuple[int, int]] = []

    def same(first: int, last: int) -> bool:
        asked.append((first, last))
        return not first <= wrong <= last and not first <= 1_024 <= last

    assert first_difference(1, 1_024, same) == wrong
    assert len(asked) <= 11


def test_a_new_key_signs_beside_the_old_one_until_all_have_it(fresh: SignedLog) -> None:
    fresh.grow(1)
    both = fresh.resigned_by(OLD, NEW).sign()
    fresh.grow(1)
    after = fresh.resigned_by(OLD).sign()
    assert opened(both.note, [NEW.verifier]).checkpoint == opened(both.note, [OLD.verifier]).checkpoint
    assert opened(after.note, [OLD.verifier]).checkpoint.size == 302
    told = client(fresh, "registrar").get("/v1/log/keys").json()
    assert [(read_vkey(each["vkey"]), each["since_size"]) for each in told["items"]] == [
        (NEW.verifier, 300),
        (OLD.verifier, 301),
    ]


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE log SET leaf = sha256('x') WHERE log_index = 299", "do not have the root"),
        ("DELETE FROM log WHERE log_index = 290", "gone"),
        ("UPDATE log_nodes SET hash = sha256('x')", "do not have the root"),
        ("DELETE FROM log WHERE log_index > 200; UPDATE sequencer_state SET head = 200", "ends at 200"),
        ("UPDATE log_checkpoints SET root = sha256('x')", "do not have the root"),
    ],
)
def test_a_log_that_was_altered_is_never_signed_again(fresh: SignedLog, statement: str, why: str) -> None:
    if "head = 200" not in statement:
        fresh.grow(5)
    with fresh.as_superuser() as raw:
        raw.execute(statement)
    with pytest.raises(LogAltered, match=why):
        fresh.sign()


def test_what_is_missing_in_the_store_counts_as_absent(fresh: SignedLog) -> None:
    with fresh.as_superuser() as raw:
        raw.execute("DELETE FROM events WHERE position = (SELECT position FROM log WHERE log_index = 7)")
        raw.execute("DELETE FROM log WHERE log_index = 9")
    with fresh.trial.database.working() as connection:
        rows, leaves = held(driver(connection), SOURCE, 6, 10)
    assert [each == ABSENT for each in rows] == [False, True, False, True, False]
    assert [each == ABSENT for each in leaves] == [False, False, False, True, False]
    assert range_root(rows) != range_root(leaves)
    answer = client(fresh, "registrar").get("/v1/log/proof/inclusion", params={"index": 8})
    assert (answer.status_code, answer.json()["code"]) == (409, "log_damaged")


def test_the_log_keeps_its_checkpoints_from_its_own_service(fresh: SignedLog) -> None:
    for table in ("log_nodes", "log_checkpoints", "log_keys"):
        with pytest.raises(Exception, match=r"refused|permission"), fresh.trial.database.owner() as connection:
            driver(connection).execute(f"DELETE FROM {table}".encode())
