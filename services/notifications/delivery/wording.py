"""A message in words, the same on the page, in an e-mail, an SMS and a chat group: counts and kinds, where to look,
never a name. The page's own texts stand in the portal; these go where no page is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from services.notifications.delivery_events import MessageComposed, Topic
from shared.standards.posts import POSTS
from shared.web.languages import Language

_TOPICS: dict[Topic, tuple[str, str]] = {
    "alerts_raised": ("新增预警 {total} 条", "{total} new alerts"),
    "alerts_ended": ("预警撤销或办结 {total} 条", "{total} alerts withdrawn or closed"),
    "cases_escalated": ("超期上报 {total} 件", "{total} cases escalated"),
    "channel_failing": ("消息发送失败 {total} 次", "{total} deliveries failing"),
    "contacts_due": ("久未联系的留守儿童 {total} 人", "{total} left-behind children not heard of for long"),
    "reports_issued": ("已出具定期报告 {total} 份", "{total} regular reports issued"),
    "agencies_silent": ("部门名单逾期未报 {total} 项", "{total} lists of agencies overdue"),
    "emergencies_taken": ("启用应急访问 {total} 次,待复核", "{total} emergency accesses to be reviewed"),
    "emergencies_overdue": ("应急访问逾期未复核 {total} 次", "{total} emergency accesses not reviewed in time"),
}
_KINDS: dict[str, tuple[str, str]] = {
    "listed_but_unenrolled": ("在名单而无学籍", "listed, enrolled nowhere"),
    "left_without_acceptance": ("转出未接收", "left, accepted nowhere"),
    "dropped_out": ("辍学", "dropped out"),
    "absent_running": ("连续缺勤", "absent days running"),
    "absent_share": ("缺勤偏多", "absent too often"),
    "not_returned_at_term_start": ("开学未到", "did not come at the start of term"),
    "suspension_overdue": ("休学到期未复学", "suspension over, not back"),
    "class_silent": ("班级未报考勤", "class did not report"),
    "accepted_elsewhere": ("外地已接收", "accepted elsewhere"),
    "enrolled_again": ("已在校", "enrolled again"),
    "found_in_register": ("学籍中已找到", "found in the register"),
    "being_reviewed": ("正在核对", "being reviewed"),
    "left_the_list": ("已退出名单", "left the list"),
    "attending_again": ("已返校", "attending again"),
    "attendance_corrected": ("考勤已更正", "attendance corrected"),
    "exempt": ("依法免除", "exempt"),
    "died": ("死亡", "died"),
    "mistaken": ("误报", "raised by mistake"),
    "school": ("学校", "school"),
    "township": ("乡镇", "township"),
    "county": ("县", "county"),
    "city": ("市", "city"),
    "month": ("月报", "monthly"),
    "quarter": ("季报", "quarterly"),
    "term": ("学期报告", "of a term"),
    "year": ("年报", "yearly"),
    "webhook_disabled": ("接收系统已停用", "receiving system disabled"),
    "delivery_failed": ("未能送达", "not delivered"),
    "contact_due": ("待联系", "to be asked after"),
    "list_poverty": ("建档立卡名单", "poverty list"),
    "list_civil": ("低保特困名单", "civil affairs list"),
    "list_disability": ("残疾人名单", "disability list"),
    "list_students": ("学籍名册", "register"),
    "list_schools": ("学校名册", "schools"),
}
_LINKS: dict[Topic, str] = {
    "alerts_raised": "/alerts?state=open",
    "alerts_ended": "/alerts?state=all",
    "cases_escalated": "/alerts?state=open",
    "channel_failing": "/deliveries",
    "contacts_due": "/dropout/left-behind?due=true",
    "reports_issued": "/dropout/reports",
    "agencies_silent": "/freshness",
    "emergencies_taken": "/emergencies",
    "emergencies_overdue": "/emergencies",
}
_OF_POSTS: frozenset[Topic] = frozenset({"emergencies_taken", "emergencies_overdue"})
_POSTS = {kind.value: (post.zh, post.en) for kind, post in POSTS.items()}
URGENT: frozenset[Topic] = frozenset({"cases_escalated", "emergencies_taken"})


class Worded(NamedTuple):
    """``parts``: one per kind, most frequent first; ``link``: a path of the page."""

    title: str
    parts: tuple[str, ...]
    link: str


def worded(message: MessageComposed, language: Language) -> Worded:
    """The message in words."""
    place = 1 if language == "en" else 0
    counts = sorted(message.counts.items(), key=lambda each: (-each[1], each[0]))
    separator = ": " if language == "en" else ":"
    kinds = _POSTS if message.topic in _OF_POSTS else _KINDS
    parts = tuple(f"{kinds.get(kind, (kind, kind))[place]}{separator}{count}" for kind, count in counts)
    return Worded(_TOPICS[message.topic][place].format(total=message.total), parts, _LINKS[message.topic])


def line(words: Worded, language: Language) -> str:
    """The message in one line."""
    inside = (", " if language == "en" else ",").join(words.parts)
    return f"{words.title} ({inside})" if language == "en" else f"{words.title}({inside})"


def digest(count: int, language: Language) -> str:
    """The subject of several messages."""
    return f"{count} messages" if language == "en" else f"{count} 条通知"


def together(messages: Sequence[MessageComposed], language: Language) -> list[str]:
    """Several messages, a line each."""
    return [line(worded(each, language), language) for each in messages]


def short(
    messages: Sequence[MessageComposed], language: Language, opening: str, link: str, fits: Callable[[str], bool]
) -> str:
    """One or several messages for an SMS: as much as fits, at least how many and where to look."""
    separator = "; " if language == "en" else ";"
    lines = together(messages, language)
    titles = [worded(each, language).title for each in messages]
    least = digest(len(messages), language) if len(messages) > 1 else titles[0]
    for told in (separator.join(lines), separator.join(titles)):
        text = f"{opening}{told} {link}"
        if fits(text):
            return text
    return f"{opening}{least} {link}"
