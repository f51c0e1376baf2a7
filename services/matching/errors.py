"""Refusals of matching, as business nouns.

SubmissionUnknown    404  no row of such a submission stands, or none in the caller's scope
RowUnknown           404  no such list row with a decision, or not in the caller's scope
CandidateUnknown     404  no such student, or not in the caller's scope
EvidenceChanged      409  the row or a student changed since the caller read them
NothingToWithdraw    409  no ruling of a person stands about the row
NotUnderReview       409  the row waits for nobody: there is nothing to give a second opinion on
ModelUnusable        422  the model must not decide about anybody: what is wrong, in which comparison and level
ModelUnknown         404  no such model was ever in force here
ProposalUnknown      404  no such proposal of a model
ModelInForce         409  the model decides already
TooManyProposals     409  too many reports are being made at once
ReportMissing        409  the report of the proposal is not there: still being made, or it failed
ReportOutdated       409  the report was made against a model that is not in force any more
ReportDiffers        409  the report named is not the proposal's
DecidingBusy         503  decisions under way did not end in time
"""

from __future__ import annotations

from uuid import UUID

from shared.kernel.refusals import Conflict, Malformed, NotFound, Refusal


class RowUnknown(NotFound):
    code = "row_unknown"

    def __init__(self, entry_id: UUID) -> None:
        super().__init__("没有这条名单记录", "There is no such list row.", entry_id=str(entry_id))


class SubmissionUnknown(NotFound):
    code = "submission_unknown"

    def __init__(self, submission_id: UUID) -> None:
        super().__init__("没有这次报送的名单行", "No row of this submission stands.", submission_id=str(submission_id))


class CandidateUnknown(NotFound):
    code = "candidate_unknown"

    def __init__(self, student_id: UUID) -> None:
        super().__init__("没有这名学生", "There is no such student.", student_id=str(student_id))


class EvidenceChanged(Conflict):
    code = "evidence_changed"

    def __init__(self, entry_id: UUID) -> None:
        super().__init__(
            "这一行或学生的信息刚有变动,请刷新后重新核对",
            "The row or a student has just changed; reload and look again.",
            entry_id=str(entry_id),
        )


class NothingToWithdraw(Conflict):
    code = "nothing_to_withdraw"

    def __init__(self, entry_id: UUID) -> None:
        super().__init__("没有可撤销的人工核对", "There is no ruling to withdraw.", entry_id=str(entry_id))


class NotUnderReview(Conflict):
    code = "not_under_review"

    def __init__(self, entry_id: UUID) -> None:
        super().__init__("这一行不在待核对之列", "The row does not wait for review.", entry_id=str(entry_id))


# What is wrong with a model, by the code of scoring.model.ModelRefused or of model_change.py.
MODEL_PROBLEMS: dict[str, tuple[str, str]] = {
    "not_a_model": ("文件不是模型", "The file is not a model."),
    "format": ("模型格式的版本不支持", "The version of the model's format is not supported."),
    "too_large": ("模型过大", "The model is too large."),
    "name": ("模型的名称或版本为空或过长", "The model's name or version is empty or too long."),
    "prior": ("先验概率须在 0 与 1 之间", "The prior must lie between 0 and 1."),
    "thresholds": (
        "自动匹配的阈值须高于人工核对的阈值",
        "The threshold of automatic links must lie above that of reviews.",
    ),
    "comparisons": ("比较项没有或过多", "There are no comparisons, or too many."),
    "comparison_twice": ("两个比较项同名", "Two comparisons have one name."),
    "comparator": ("没有这种比较方法", "There is no such way of comparing."),
    "settings": ("比较方法的设置不适用", "The settings do not fit the way of comparing."),
    "comparator_levels": ("等级与比较方法的等级不同", "The levels are not those of the way of comparing."),
    "levels": ("等级的个数或名称有误", "The number or the names of the levels are wrong."),
    "best_level": ("最好的等级须支持匹配", "The best level must speak for a match."),
    "last_level": ("最后的等级须反对匹配", "The last level must speak against a match."),
    "share": ("m 与 u 须在 0 与 1 之间", "m and u must lie between 0 and 1."),
    "shares_sum": ("各等级的 m 或 u 合计不为 1", "The m or the u of the levels do not sum to 1."),
    "agreement_says_nothing": (
        "一致等级的 u 不小于 m:任意两人也同样常见,不能作为依据",
        "At an agreeing level u is not below m: any two people agree as often, so it is no evidence.",
    ),
    "disagreement_says_nothing": (
        "不一致等级的 m 不小于 u:同一人也同样常见,不能作为反证",
        "At a disagreeing level m is not below u: one person's records differ as often, so it is no evidence.",
    ),
    "not_monotone": (
        "权重没有随等级下降:该等级的权重高于更好的等级",
        "The weights do not fall with the levels: this level weighs more than a better one.",
    ),
    "frequencies": ("常见程度表有误或与等级不符", "A table of frequencies is wrong or does not fit the levels."),
}
_SHOWN_CHARACTERS = 64


class ModelUnusable(Malformed):
    """``problem`` is one of MODEL_PROBLEMS."""

    code = "model_unusable"

    def __init__(self, problem: str, comparison: str = "", level: str = "") -> None:
        zh, en = MODEL_PROBLEMS[problem]
        place = ".".join(part[:_SHOWN_CHARACTERS] for part in (comparison, level) if part)
        super().__init__(
            f"{place}:{zh}" if place else zh,
            f"{place}: {en}" if place else en,
            problem=problem,
            comparison=comparison[:_SHOWN_CHARACTERS] or None,
            level=level[:_SHOWN_CHARACTERS] or None,
        )


class ModelUnknown(NotFound):
    code = "model_unknown"

    def __init__(self) -> None:
        super().__init__("没有启用过这个模型", "No such model was ever in force here.")


class ProposalUnknown(NotFound):
    code = "proposal_unknown"

    def __init__(self, proposal_id: UUID) -> None:
        super().__init__("没有这个模型提案", "There is no such proposal.", proposal_id=str(proposal_id))


class ModelInForce(Conflict):
    code = "model_in_force"

    def __init__(self, content_hash: str) -> None:
        super().__init__("这个模型正在使用", "This model is in force already.", hash=content_hash)


class TooManyProposals(Conflict):
    code = "too_many_proposals"

    def __init__(self, open_proposals: int) -> None:
        super().__init__(
            "正在比较的模型过多,请等它们完成后再提交",
            "Too many models are being compared; try again when they are done.",
            open=open_proposals,
        )


class ReportMissing(Conflict):
    code = "report_missing"

    def __init__(self, proposal_id: UUID, state: str) -> None:
        super().__init__(
            "变动报告还没有完成,不能启用",
            "The report of what would change is not there yet.",
            proposal_id=str(proposal_id),
            state=state,
        )


class ReportOutdated(Conflict):
    code = "report_outdated"

    def __init__(self, made_against: str, in_force: str) -> None:
        super().__init__(
            "变动报告是与另一个模型比较的,请重新提交",
            "The report was made against another model; propose it again.",
            made_against=made_against,
            in_force=in_force,
        )


class ReportDiffers(Conflict):
    code = "report_differs"

    def __init__(self, report_hash: str) -> None:
        super().__init__(
            "所阅的变动报告不是这个提案的",
            "The report named is not that of the proposal.",
            report_hash=report_hash,
        )


class DecidingBusy(Refusal):
    """Not kept with its command: the same command may come again."""

    status = 503
    code = "deciding_busy"

    def __init__(self) -> None:
        super().__init__("正在匹配,请稍后再试", "Rows are being decided; try again in a moment.")
