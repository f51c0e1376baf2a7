"""Facts about agencies' lists as they come in, and about who reports them when; reached through events.py."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from shared.kernel.facts import Fact, fact

ListName = Literal["poverty", "civil", "disability"]
SubmissionMode = Literal["snapshot", "increment"]
WithdrawalReason = Literal["wrong_file", "wrong_list", "wrong_date", "incomplete", "corrected", "other"]


@fact("registry")
class ListSubmissionOpened(Fact, frozen=True, kw_only=True):
    """A list began to come line by line. Until it is received whole it only adds and corrects; it may be continued, or
    withdrawn. Lists that come as files are received at once."""

    agency: str
    list: ListName
    mode: SubmissionMode
    division_code: str
    received_by: str


@fact("registry")
class ListSubmissionReceived(Fact, frozen=True, kw_only=True):
    """A list was taken in, whole: the counts balance, rows = added + corrected + unchanged. ``rejected`` of them are on
    record with a problem that forbids matching (students: rejected rows are not on record, rows = the sum of all
    four); ``effective_on`` is the snapshot's date."""

    agency: str
    list: str
    mode: SubmissionMode
    file_name: str | None = None
    division_code: str
    rows: int
    added: int
    corrected: int
    unchanged: int
    removed: int
    rejected: int
    received_by: str


@fact("registry")
class ListSubmissionHeld(Fact, frozen=True, kw_only=True):
    """A snapshot would remove more than the permitted share of the agency's list: a person must confirm it first.
    What it adds or corrects is already in; nothing was removed."""

    agency: str
    list: str
    division_code: str
    standing: int
    missing: int
    share_percent: int
    permitted_percent: int


@fact("registry")
class ListSubmissionConfirmed(Fact, frozen=True, kw_only=True):
    """A person confirmed a held snapshot; its ``removed`` missing rows have left the list."""

    confirmed_by: str
    removed: int


@fact("registry")
class ListSubmissionWithdrawn(Fact, frozen=True, kw_only=True):
    """A submission counts no more (撤回): what it did to each row was undone by facts of that row's own stream, except
    where a later submission says something about the row. ``rows`` it spoke of = ``left`` the list again + ``restored``
    to what they said before + ``returned`` to the list + ``kept`` as a later submission says + ``unaffected``.
    ``reason`` is one of a few, never a text: people write names into texts."""

    agency: str
    list: ListName
    division_code: str
    reason: WithdrawalReason
    withdrawn_by: str
    rows: int
    left: int
    restored: int
    returned: int
    kept: int
    unaffected: int


@fact("registry")
class FreshnessContractActivated(Fact, frozen=True, kw_only=True):
    """How often an agency reports a list from now on. ``content`` is canonical JSON (freshness.py), ``content_hash``
    its SHA-256 in hex."""

    agency: str
    list: str
    content: str
    content_hash: str


@fact("registry")
class AgencySilent(Fact, frozen=True, kw_only=True):
    """A list that was due on ``due_on`` had not come when its grace was over, by the agency's own calendar; once per
    missed day. ``last_received_on`` None: it never came."""

    agency: str
    list: str
    division_code: str
    due_on: date
    last_received_on: date | None = None
    contract_hash: str


@fact("registry")
class AgencyReported(Fact, frozen=True, kw_only=True):
    """A silent agency has sent the list again."""

    agency: str
    list: str
    division_code: str
    silent_since: date
    submission_id: UUID


@fact("registry")
class RejectedRowsRead(Fact, frozen=True, kw_only=True):
    """Somebody fetched the rows of a submission that came back, whole as they were sent (invariant 13). Its stream is
    the reader's access record."""

    viewer: str
    submission_id: UUID
    rows: int
    agency: str
    division_code: str
