"""Signed notes and checkpoints: a note of the format's own authors, round trips, and what is refused."""

from __future__ import annotations

import pytest

from shared.transparency.checkpoints import Checkpoint, cosigned, issue, log_signers, opened, unverified, witness_name
from shared.transparency.notes import (
    COSIGNATURE_KIND,
    KeyUnreadable,
    NoteBroken,
    Signer,
    read_vkey,
    read_vkeys,
    verified,
)

# From the documentation of the format's first implementation (Go's sumdb/note).
THEIR_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
THEIR_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
SOURCE = "//rollcall/469080/registry"
CHECKPOINT = Checkpoint("rollcall/469080/registry", 1_234, bytes(range(32)))
OLD, NEW = log_signers(SOURCE, [b"1" * 32, b"2" * 32])
WITNESS = Signer(witness_name("469080"), COSIGNATURE_KIND, b"3" * 32)


def test_a_note_of_the_formats_authors_verifies() -> None:
    text, signatures = verified(THEIR_NOTE, [read_vkey(THEIR_KEY)])
    assert text.startswith("If you think cryptography")
    assert [each.verifier.name for each in signatures] == ["PeterNeumann"]
    with pytest.raises(NoteBroken, match="is wrong"):
        verified(THEIR_NOTE.replace("answer", "Answer"), [read_vkey(THEIR_KEY)])


def test_a_checkpoint_reads_back_as_it_was_signed() -> None:
    note = issue(CHECKPOINT, [NEW])
    assert note.startswith("rollcall/469080/registry\n1234\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n— ")
    assert opened(note, [NEW.verifier]).checkpoint == unverified(note) == CHECKPOINT
    assert read_vkeys(f"# keys\n{NEW.verifier.vkey()}\n\n{WITNESS.verifier.vkey()}  # of audit\n") == [
        NEW.verifier,
        WITNESS.verifier,
    ]


def test_a_cosignature_tells_who_saw_it_and_when() -> None:
    note = cosigned(issue(CHECKPOINT, [NEW]), WITNESS, 1_790_000_000)
    found = opened(note, [NEW.verifier, WITNESS.verifier])
    assert [(each.verifier.name, each.moment) for each in found.witnesses] == [
        ("rollcall/469080/witness", 1_790_000_000)
    ]
    assert opened(note, [NEW.verifier]).witnesses == []  # whoever does not know the witness ignores it
    with pytest.raises(NoteBroken, match="has not signed"):
        opened(note, [WITNESS.verifier])  # a witness alone makes no checkpoint


def test_while_a_key_is_replaced_both_sign_and_either_is_enough() -> None:
    note = issue(CHECKPOINT, [NEW, OLD])
    for known in (OLD, NEW):
        assert opened(note, [known.verifier]).checkpoint == CHECKPOINT
    with pytest.raises(NoteBroken, match="no signature of a known key"):
        opened(issue(CHECKPOINT, [NEW]), [OLD.verifier])


def test_a_checkpoint_that_was_touched_is_refused() -> None:
    note = issue(CHECKPOINT, [NEW])
    stranger = Signer("rollcall/469080/matching", NEW.kind, b"4" * 32)
    for altered in (
        note.replace("1234", "1235"),
        note.replace("registry\n1234", "visits\n1234"),
        note.replace("1234\n", "01234\n"),
        note.rpartition("\n\n")[0],
        note.replace("— ", "- "),
        note + "\x00",
        "",
        note + "x" * 20_000,
    ):
        with pytest.raises(NoteBroken):
            opened(altered, [NEW.verifier])
    with pytest.raises(NoteBroken, match="has not signed"):
        opened(issue(CHECKPOINT, [stranger]), [stranger.verifier])  # one log cannot speak for another
    with pytest.raises(NoteBroken, match="no checkpoint"):
        unverified("rollcall/469080/registry\n5\nAAAA\nextension\n\n" + NEW.line("x"))


@pytest.mark.parametrize("text", ["", "name", "name+00000000+AAAA", "na me+x+y", THEIR_KEY.replace("c74f", "c74e")])
def test_a_key_that_was_copied_wrongly_is_refused(text: str) -> None:
    with pytest.raises(KeyUnreadable):
        read_vkey(text)
