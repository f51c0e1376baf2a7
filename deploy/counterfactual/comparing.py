"""The real entitlements beside those of a rerun: row by row, as money, with the reasons for each difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from deploy.counterfactual.entitlements import Claim, Due, Proof
from services.audit.counterfactuals.answer import Child, Deviation, Reason

Reasons = Callable[[frozenset[Proof], str | None], list[Reason]]


def deviations(real: Mapping[Claim, Due], control: Mapping[Claim, Due]) -> list[Deviation]:
    """Where a rerun without any change does not come to what was really granted and paid."""
    found = []
    for claim in sorted(real.keys() | control.keys(), key=_by_name):
        one, other = _shown(real.get(claim)), _shown(control.get(claim))
        if one != other:
            found.append(Deviation(student_id=claim[0], programme=claim[1], term=claim[2], real=one, rerun=other))
    return found


def children(
    real: Mapping[Claim, Due], rerun: Mapping[Claim, Due], unsure: Iterable[Claim], reasons: Reasons
) -> list[Child]:
    """One row for each entitlement that differs. ``unsure``: those that deviate without any change. ``reasons`` tells
    why, from what the two rest on and the programme where they follow other rules."""
    doubtful = set(unsure)
    found = []
    for claim in sorted(real.keys() | rerun.keys(), key=_by_name):
        was, would = real.get(claim), rerun.get(claim)
        before, after = (0 if each is None else each.due_fen for each in (was, would))
        if before == after and (before == 0 or _place(was) == _place(would)):
            continue
        shown = would if would is not None and after else was or would
        assert shown is not None
        rests_on = frozenset[Proof]().union(
            *(each.proofs for each in (was, would) if each is not None and each.due_fen)
        )
        other_rules = was is None or would is None or was.grant.content_hash != would.grant.content_hash
        found.append(
            Child(
                student_id=claim[0],
                programme=claim[1],
                term=claim[2],
                school_code=shown.grant.school_code,
                division_code=shown.grant.division_code,
                agencies=sorted({proof.agency for proof in rests_on}),
                real_fen=before,
                would_fen=after,
                paid_fen=0 if was is None else was.paid_fen,
                reasons=reasons(rests_on, claim[1] if other_rules else None),
                unsure=claim in doubtful,
            )
        )
    return found


def _shown(due: Due | None) -> str:
    """What must be the same in a faithful rerun; nothing due and nothing paid is the same as never granted."""
    if due is None or (due.due_fen, due.paid_fen) == (0, 0):
        return ""
    grant = due.grant
    parts = [f"due {due.due_fen}", f"paid {due.paid_fen}"]
    if due.due_fen:
        parts += [grant.stage, "boarder" if grant.boarder else "day pupil", grant.division_code, grant.school_code]
        parts += [f"{grant.term_begins}–{grant.term_ends}", grant.content_hash[:16]]
        parts += sorted(str(proof.entry_id) for proof in due.proofs)
    return " · ".join(parts)


def _place(due: Due | None) -> tuple[str, str] | None:
    return None if due is None else (due.grant.school_code, due.grant.division_code)


def _by_name(claim: Claim) -> tuple[str, str, str]:
    student, programme, term = claim
    return str(student), programme, term
