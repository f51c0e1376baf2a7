"""What is accepted as a password, and how it is kept."""

from __future__ import annotations

import threading
import time

import pytest

from services.access.accounts import passwords
from services.access.accounts.password_rules import check_password
from services.access.accounts.passwords import Hashing, one_time_password
from services.access.errors import Busy, WeakPassword

WHO = {"login": "wang.xiaoming@zizhu", "name": "王小明"}


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "short"),
        ("elevenchars", "short"),
        ("x" * 129, "long"),
        ("wang.xiaoming@zizhu", "name"),
        ("WANG.XIAOMING1234", "name"),
        ("王小明王小明王小明王小明", "name"),
        ("123456789012", "common"),
        ("qwertyuiop123", "common"),
        ("password2026", "common"),
        ("P@ssw0rd2026!", "common"),
        ("aaaaaaaaaaaaa", "common"),
        ("abcabcabcabcabc", "common"),
        ("1qaz2wsx3edc", "common"),
        ("学校老师密码123456", "common"),
        ("woaini520520520", "common"),
    ],
)
def test_what_is_guessed_first_is_refused(password: str, why: str) -> None:
    with pytest.raises(WeakPassword) as refused:
        check_password(password, **WHO)
    assert refused.value.facts == {"why": why} and password not in f"{refused.value.zh}{refused.value.en}"


@pytest.mark.parametrize(
    "password",
    [
        "梧桐树下的十二只白鹭飞过了河",
        "correct horse battery",
        "k7#vQ2!mZp9w",
        "aller guten dinge",
        "xk4f-9mzq-77hp-ebwn",
    ],
)
def test_any_long_one_of_whatever_letters_is_accepted(password: str) -> None:
    check_password(password, **WHO)


def test_a_password_fits_only_itself_and_only_with_the_pepper() -> None:
    hashing = Hashing(bytes(32))
    kept = hashing.hash("梧桐树下的十二只白鹭")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$") and kept != hashing.hash("梧桐树下的十二只白鹭")
    assert hashing.fits("梧桐树下的十二只白鹭", kept)
    assert not hashing.fits("梧桐树下的十二只白鹭 ", kept) and not hashing.fits("anything", None)
    assert not Hashing(b"another pepper".ljust(32)).fits("梧桐树下的十二只白鹭", kept)


def test_one_time_passwords_pass_the_rules_and_do_not_repeat() -> None:
    made = {one_time_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        check_password(password, **WHO)


def test_more_than_a_few_at_once_are_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    hashing = Hashing(bytes(32))
    begun, release = threading.Semaphore(0), threading.Event()

    def slowly(_password: str) -> str:
        begun.release()
        assert release.wait(10)
        return "hashed"

    monkeypatch.setattr(hashing, "_worked", slowly)
    threads = [threading.Thread(target=hashing.hash, args=("x",)) for _ in range(passwords.AT_ONCE + passwords.WAITING)]
    for thread in threads:
        thread.start()
    for _ in range(passwords.AT_ONCE):
        begun.acquire()
    deadline = time.monotonic() + 5
    while hashing._places.acquire(blocking=False) and time.monotonic() < deadline:  # until all are in the queue
        hashing._places.release()
    with pytest.raises(Busy):
        hashing.hash("x")
    release.set()
    for thread in threads:
        thread.join()
