"""`verify checkpoint|inclusion|consistency|witness`: what is true passes offline, and nothing else does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import build_app
from cli.verify_witness import look
from deploy.errors import StartRefused
from shared.transparency.answers import ConsistencyProof, InclusionProof
from shared.transparency.checkpoints import Checkpoint, cosigned, issue, log_signers, opened, origin_of, witness_name
from shared.transparency.exported import to_line
from shared.transparency.notes import COSIGNATURE_KIND, Signer
from shared.transparency.proving import consistency_proof, inclusion_proof
from shared.transparency.tree import folded
from tests.services.audit.test_domain import SOURCE, a_log
from tests.shared.transparency.a_log import NEW, SignedLog, client, signed_log

LOG = a_log(90)
LEAVES = [each.leaf for each in LOG]
ORIGIN = origin_of(SOURCE)
(SIGNER,) = log_signers(SOURCE, [b"1" * 32])
WITNESS = Signer(witness_name("469000"), COSIGNATURE_KIND, b"2" * 32)
OURS = Signer("audit.example.gov/witness", COSIGNATURE_KIND, b"3" * 32)


def node(level: int, place: int) -> bytes:
    return folded(LEAVES[place << level : (place + 1) << level])


def note(size: int, root: bytes | None = None) -> str:
    return issue(Checkpoint(ORIGIN, size, root or folded(LEAVES[:size])), [SIGNER])


def included(index: int, size: int = 90) -> dict[str, Any]:
    path = inclusion_proof(index - 1, size, node)
    proof = InclusionProof(
        origin=ORIGIN, log_index=index, size=size, leaf=LEAVES[index - 1], path=path, checkpoint=note(size)
    )
    return proof.model_dump(mode="json")


Files = Callable[..., list[str]]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Writes texts to files; their names."""

    def written(**texts: str) -> list[str]:
        keys = tmp_path / "keys.txt"
        keys.write_text(f"# two\n{SIGNER.verifier.vkey()}\n{WITNESS.verifier.vkey()}\n", "utf-8")
        for name, text in texts.items():
            (tmp_path / name).write_text(text, "utf-8")
        return [*(str(tmp_path / name) for name in texts), "--keys", str(keys), "--json"]

    return written


def verify(command: str, arguments: list[str]) -> dict[str, Any]:
    result = CliRunner().invoke(build_app(), ["verify", command, *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def test_a_checkpoint_tells_its_size_and_who_saw_it(files: Files) -> None:
    told = verify("checkpoint", files(note=cosigned(note(90), WITNESS, 1_790_000_000)))
    assert (told["origin"], told["size"], told["root"]) == (ORIGIN, 90, folded(LEAVES).hex())
    assert told["witnesses"] == [{"name": "rollcall/469000/witness", "at": "2026-09-21T14:13:20+00:00"}]
    with pytest.raises(StartRefused, match="no known witness"):
        verify("checkpoint", [*files(note=note(90)), "--cosigned"])
    for wrong in (note(90).replace("\n90\n", "\n91\n"), issue(Checkpoint(ORIGIN, 90, bytes(32)), [OURS]), "x"):
        with pytest.raises(StartRefused):
            verify("checkpoint", files(note=wrong))


def test_an_event_is_proved_to_be_in_the_log(files: Files) -> None:
    proof = json.dumps(included(57))
    assert verify("inclusion", files(proof=proof))["event_checked"] is False
    line = to_line(LOG[56]).decode()
    arguments = files(proof=proof, event=line)
    told = verify("inclusion", [arguments[0], "--event", *arguments[1:]])
    assert (told["log_index"], told["size"], told["event_checked"]) == (57, 90, True)
    for other in (to_line(LOG[57]).decode(), line.replace('"principal":"test"', '"principal":"tesu"'), "{}"):
        arguments = files(proof=proof, event=other)
        with pytest.raises(StartRefused):
            verify("inclusion", [arguments[0], "--event", *arguments[1:]])


@pytest.mark.parametrize(
    "change",
    [
        {"log_index": 58},
        {"size": 89},
        {"leaf": included(58)["leaf"]},
        {"path": included(57)["path"][:-1]},
        {"path": included(58)["path"]},
        {"origin": "rollcall/469000/visits"},
        {"checkpoint": note(89)},
        {"checkpoint": "nothing"},
        {"more": 1},
    ],
)
def test_a_proof_that_was_touched_is_refused(files: Files, change: dict[str, Any]) -> None:
    with pytest.raises(StartRefused):
        verify("inclusion", files(proof=json.dumps({**included(57), **change})))


def test_two_days_are_compared(files: Files) -> None:
    def proof(old: int, new: int) -> str:
        path = consistency_proof(old, new, node)
        return ConsistencyProof(origin=ORIGIN, from_size=old, to_size=new, path=path).model_dump_json()

    told = verify("consistency", files(older=note(33), newer=note(90), proof=proof(33, 90)))
    assert (told["older"]["size"], told["newer"]["size"]) == (33, 90)
    for older, newer, shown in (
        (note(33, bytes(32)), note(90), proof(33, 90)),  # another history was signed before
        (note(33), note(90, bytes(32)), proof(33, 90)),
        (note(34), note(90), proof(33, 90)),
        (note(90), note(33), proof(33, 90)),
        (note(33), note(90), "{}"),
    ):
        with pytest.raises(StartRefused):
            verify("consistency", files(older=older, newer=newer, proof=shown))


class Asked:
    """A session whose service is a real log, without a socket."""

    def __init__(self, log: SignedLog) -> None:
        self._client = client(log, "agency_publisher")

    def download(self, _service: str, path: str, **params: str) -> bytes:
        return bytes(self._client.get(path, params=params).raise_for_status().content)


@pytest.fixture
def log(postgres: Any) -> Iterator[SignedLog]:
    with signed_log(postgres) as made:
        made.grow(20)
        made.sign()
        yield made


def test_anybody_can_be_a_witness_and_keeps_the_evidence_of_a_rewritten_log(log: SignedLog, tmp_path: Path) -> None:
    session: Any = Asked(log)
    known = [NEW.verifier]
    assert look(session, "trial", known, OURS, tmp_path) == "trial: 20 events, cosigned"
    log.grow(15)
    log.sign()
    assert look(session, "trial", known, OURS, tmp_path) == "trial: 35 events, cosigned"
    assert look(session, "trial", known, OURS, tmp_path) == "trial: 35 events, as before"
    kept = (tmp_path / "trial.note").read_text("utf-8")
    assert [each.verifier for each in opened(kept, [*known, OURS.verifier]).witnesses] == [OURS.verifier]
    with log.as_superuser() as raw:
        raw.execute("UPDATE log SET leaf = sha256('forged') WHERE log_index = 3")
        raw.execute("TRUNCATE log_checkpoints")
    log.grow(2)
    log.sign()  # the service, deceived by its own database, signs the new history
    with pytest.raises(StartRefused, match="not only continued"):
        look(session, "trial", known, OURS, tmp_path)
    assert opened((tmp_path / "trial.disputed.note").read_text("utf-8"), known).checkpoint.size == 37
    assert (tmp_path / "trial.note").read_text("utf-8") == kept
