"""How another model comes into force: it must be usable, a report must tell what it changes, and two people must agree.

Pure: no storage, clock or chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import msgspec

from services.matching.commands import ActivateModel
from services.matching.errors import (
    ModelInForce,
    ModelUnusable,
    ReportDiffers,
    ReportMissing,
    ReportOutdated,
    TooManyProposals,
)
from services.matching.events import MatchingModelActivated
from services.matching.scoring import Model, ModelRefused, scorer
from shared.standards.separation import MODELS_ACTIVATE

OPEN_MOST = 3  # reports being made at the same time
CONTENT_BYTES_MOST = 250_000  # as a text inside an event, which holds 262,144 bytes

ProposalState = Literal["computing", "ready", "failed", "outdated", "activated"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A model somebody proposed. ``base_hash``: the model in force then, which its report compares it with.
    ``report_hash`` is None until the report is complete."""

    proposal_id: UUID
    content: bytes
    content_hash: str
    base_hash: str
    proposed_by: str
    state: ProposalState
    report_hash: str | None


def usable(content: bytes) -> Model:
    """The model in a JSON text, fit to decide about list rows and to stand in an event. Raises ModelUnusable."""
    try:
        model = Model.parse(content)
        scorer(model)
    except ModelRefused as refused:
        raise ModelUnusable(refused.problem, refused.comparison, refused.level) from refused
    if len(msgspec.json.encode(model.content.decode())) > CONTENT_BYTES_MOST:
        raise ModelUnusable("too_large")
    return model


def check_proposal(model: Model, in_force: str, open_proposals: int) -> None:
    """Whether a report is worth making. ``in_force``: hash of that model. Raises ModelInForce, TooManyProposals."""
    if model.hash == in_force:
        raise ModelInForce(model.hash)
    if open_proposals >= OPEN_MOST:
        raise TooManyProposals(open_proposals)


def activate(in_force: str, proposal: Proposal, intent: ActivateModel) -> MatchingModelActivated:
    """The activation. Raises ModelInForce, ReportMissing, ReportOutdated, ReportDiffers, SecondPersonNeeded, and
    ModelUnusable when the program has changed meanwhile."""
    if proposal.content_hash == in_force:
        raise ModelInForce(in_force)
    if proposal.base_hash != in_force:
        raise ReportOutdated(proposal.base_hash, in_force)
    if proposal.report_hash is None:
        raise ReportMissing(proposal.proposal_id, proposal.state)
    if proposal.report_hash != intent.report_hash:
        raise ReportDiffers(intent.report_hash)
    MODELS_ACTIVATE.check(proposal.proposed_by, intent.by, proposal_id=str(proposal.proposal_id))
    model = usable(proposal.content)
    return MatchingModelActivated(
        content=model.content.decode(),
        content_hash=model.hash,
        activated_by=intent.by,
        proposed_by=proposal.proposed_by,
        report_hash=proposal.report_hash,
        replaces=in_force,
    )
