"""Which passwords are accepted (NIST SP 800-63B, OWASP ASVS 5 §6.2): long ones, of whatever letters, not guessed first.

No rule of composition and no expiry. Refused: names and login names, and what comes first to everybody's mind. That
list is made here from patterns, so that it is short and its reasons can be read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from services.access.errors import WeakPassword

SHORTEST = 12
LONGEST = 128
_RUNS = ("01234567890123456789", "98765432109876543210", "abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba",
         "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv", "1q2w3e4r5t6y")  # fmt: skip
_WORDS = (
    *("password", "passw0rd", "admin", "administrator", "letmein", "welcome", "iloveyou", "woaini", "mima", "root"),
    *("rollcall", "zizhu", "xuexiao", "laoshi", "xiaozhang", "jiaoyu", "xueji", "school", "teacher", "changeme"),
    *("密码", "老师", "学校", "资助", "点名", "我爱你"),
)
_LEET = str.maketrans({"@": "a", "0": "o", "1": "l", "3": "e", "$": "s", "5": "s", "!": "i"})
_YEAR = re.compile(r"(19|20)\d{2}(0?[1-9]|1[0-2])?([0-2]?\d|3[01])?")


def check_password(password: str, *, login: str, name: str) -> None:
    """Raises WeakPassword, which says what is wrong and never repeats the password."""
    if len(password) < SHORTEST:
        raise WeakPassword(f"密码至少 {SHORTEST} 位", f"A password has at least {SHORTEST} characters", why="short")
    if len(password) > LONGEST:
        raise WeakPassword(f"密码最多 {LONGEST} 位", f"A password has at most {LONGEST} characters", why="long")
    folded = unicodedata.normalize("NFKC", password).casefold()
    own = [part.casefold() for part in (login, login.partition("@")[0], name) if len(part) >= 2]
    if len(_without(folded, own)) < SHORTEST // 2:
        raise WeakPassword("密码不能由登录名或姓名构成", "A password is not made of login name or name", why="name")
    if min(_surprise(each, own) for each in (folded, folded.translate(_LEET))) < SHORTEST // 2:
        raise WeakPassword("密码过于常见,容易被猜到", "This password is too easily guessed", why="common")


def _surprise(text: str, own: list[str]) -> int:
    """How many characters remain when what is guessed first is taken away, and what is repeated counts once."""
    rest = _without_runs(_without(_YEAR.sub("", _without(text, own)), _WORDS))
    return len(re.sub(r"(.{1,6}?)\1+", r"\1", rest))


def _without(text: str, words: Iterable[str]) -> str:
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, "")
    return text


def _without_runs(text: str) -> str:
    for run in _RUNS:
        for length in range(min(len(run), len(text)), 3, -1):
            for start in range(len(run) - length + 1):
                text = text.replace(run[start : start + length], "")
    return text
