"""Refusals of access.

Refusal
├── Unauthenticated     401   no session, or one that has ended
├── SignInFailed        401   login name or password is wrong; which of them is not said
├── FlowOver            401   a sign-in through the issuer was not begun in this browser, or is over
├── IssuerRefused       401   the issuer said no, or what it said proves nothing
├── IdentityUnlinked    401   the issuer knows who it is, and no account here belongs to it
├── CodeNeeded          401   the password is right, and a code of the authenticator is missing
├── TooManyAttempts     429   the same, and the next attempt is looked at only after a while
├── Busy                503   too many people sign in at this moment
├── ServiceAway         503   a service does not tell what waits there
├── NotFound            404
│   ├── UnknownAccount        no such account, or not one of the caller's
│   ├── UnknownPost           no such post, or not one of the caller's
│   ├── OidcOff               no issuer is configured
│   ├── UnknownIdentity       no such identity, or not one of the caller's
│   ├── UnknownKey            no such key, or it was revoked before
│   ├── UnknownHandover       no such hand-over, or not one of the caller's
│   ├── UnknownEmergency      no such emergency access, or not one of the caller's place
│   └── UnknownImport         no such list of people, or not one the caller sent
├── Forbidden           403
│   ├── MachinesOwn           a machine with a key makes no keys
│   ├── NotYours              beyond what the caller administers
│   └── Oneself               nobody raises himself
├── Conflict            409
│   ├── LoginTaken            another account has this login name
│   ├── AccountIsClosed       it takes part in nothing any more
│   ├── PostIsClosed          nobody can hold it
│   ├── PostHeld              somebody holds it; it is vacated first
│   ├── PostVacant            nobody holds it
│   ├── NotDelegated          there is no such delegation now
│   ├── IdentityTaken         another account has this identity
│   ├── TooManyIdentities     an account has several already
│   ├── PasswordGivenOnce     a one-time password is changed first
│   ├── SecondFactorStands    there is a second factor already
│   ├── TooManyKeys           an agency has two valid keys already
│   ├── EmergencyReviewed     somebody has reviewed it before
│   ├── HandoverStands        the post is being handed over already
│   ├── HandoverOver          it is over
│   ├── AlreadyListed         what waits was listed before
│   ├── NotListedYet          what waits was not listed yet
│   ├── ListOutdated          another list was shown than the one to sign
│   ├── AlreadySigned         this signature stands
│   ├── SameHolder            the successor holds the post
│   ├── TooManyItems          more waits than a list holds
│   ├── SignInAgain           the sign-in is too long ago to sign something
│   ├── EmergencyGoesOn       it is in use still; it is reviewed when it is over
│   ├── ImportBusy            another list of people is being taken in
│   └── NobodyWaits           everybody of the list has chosen a password, or the passwords were handed out just now
└── Malformed           422
    ├── BadIdentity           neither an identifier nor an e-mail address
    ├── WeakPassword          too short, or easily guessed
    ├── BadEmergency          too long, or a post that decides, pays or administers
    ├── WrongCode             not a code of the authenticator, or one that was used
    ├── BadLogin              not a login name
    ├── BadName               no name of a person
    ├── BadPlace              a kind of post and its place do not fit
    ├── BadUntil              a delegation or a key ends on a later day, within a year; a post is held until a later day
    └── TooManyRows           more people than one list may hold
"""

from __future__ import annotations

from shared.kernel.refusals import Conflict, Forbidden, Malformed, NotFound, Refusal


class SignInFailed(Refusal):
    status = 401
    code = "sign_in_failed"
    has_own_event = True  # SignInRefused

    def __init__(self) -> None:
        super().__init__("登录名或密码不正确", "The login name or the password is wrong")


class CodeNeeded(Refusal):
    status = 401
    code = "code_needed"
    has_own_event = True  # a step of signing in: nothing was refused yet

    def __init__(self) -> None:
        super().__init__("请输入动态验证码", "Give the code of your authenticator as well")


class FlowOver(Refusal):
    status = 401
    code = "flow_over"

    def __init__(self) -> None:
        super().__init__(
            "这次登录已完成、已超过10分钟,或不是在此浏览器中开始的,请重新开始",
            "This sign-in is over, was begun more than ten minutes ago, or in another browser; please begin again",
        )


class IssuerRefused(Refusal):
    """``reason`` is for the log."""

    status = 401
    code = "issuer_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(
            "统一身份登录没有成功,请重试;多次不成功请联系账号管理员",
            "Signing in through the other service did not work; try again, then ask the account administrator",
        )
        self.reason = reason


class IdentityUnlinked(Refusal):
    """``subject``: as the issuer calls whoever asks; told to nobody else."""

    status = 401
    code = "identity_unlinked"

    def __init__(self, subject: str) -> None:
        super().__init__(
            "这个统一身份还没有关联本系统的账号。请用账号密码登录,在“我的账号”中关联;没有密码的,请把身份标识告诉账号管理员",
            "No account belongs to this identity yet. Sign in with your password and link it under My account; "
            "without a password, tell the account administrator your identifier",
            subject=subject,
        )


class TooManyAttempts(Refusal):
    """``wait_seconds``: until the next attempt is looked at."""

    status = 429
    code = "too_many_attempts"

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(
            f"尝试次数过多,请 {wait_seconds} 秒后再试",
            f"Too many attempts; try again in {wait_seconds} seconds",
            wait_seconds=wait_seconds,
        )


class Busy(Refusal):
    status = 503
    code = "busy"

    def __init__(self) -> None:
        super().__init__("登录的人太多,请稍后再试", "Too many people sign in at this moment; please try again")


class ServiceAway(Refusal):
    """``service`` does not answer."""

    status = 503
    code = "service_away"

    def __init__(self, service: str) -> None:
        super().__init__(
            "有服务暂时无响应,清单无法取全,请稍后再试", f"{service} does not answer; the list would not be whole",
            service=service,
        )  # fmt: skip


class UnknownAccount(NotFound):
    code = "unknown_account"

    def __init__(self) -> None:
        super().__init__("没有这个账号", "There is no such account")


class UnknownPost(NotFound):
    code = "unknown_post"

    def __init__(self) -> None:
        super().__init__("没有这个岗位", "There is no such post")


class UnknownKey(NotFound):
    code = "unknown_key"

    def __init__(self) -> None:
        super().__init__("没有这个密钥,或已停用", "There is no such key, or it was revoked")


class OidcOff(NotFound):
    code = "oidc_off"

    def __init__(self) -> None:
        super().__init__("没有设置统一身份登录", "Signing in through another service is not set up")


class UnknownIdentity(NotFound):
    code = "unknown_identity"

    def __init__(self) -> None:
        super().__init__("没有这个关联身份", "There is no such identity")


class UnknownEmergency(NotFound):
    code = "unknown_emergency"

    def __init__(self) -> None:
        super().__init__("没有这次应急访问", "There is no such emergency access")


class UnknownHandover(NotFound):
    code = "unknown_handover"

    def __init__(self) -> None:
        super().__init__("没有这次交接", "There is no such hand-over")


class NotYours(Forbidden):
    code = "not_yours"

    def __init__(self) -> None:
        super().__init__("超出您的管理范围", "This is beyond what you administer")


class MachinesOwn(Forbidden):
    code = "machines_own"

    def __init__(self) -> None:
        super().__init__("机器密钥不能管理密钥,请由人员登录办理", "A machine's key manages no keys: a person does")


class Oneself(Forbidden):
    code = "oneself"

    def __init__(self) -> None:
        super().__init__(
            "不能为自己授予岗位、重置或停用,请由他人办理", "Nobody gives himself a post, or resets himself"
        )


class LoginTaken(Conflict):
    code = "login_taken"


class AccountIsClosed(Conflict):
    code = "account_is_closed"


class PostIsClosed(Conflict):
    code = "post_is_closed"


class PostHeld(Conflict):
    code = "post_held"


class PostVacant(Conflict):
    code = "post_vacant"


class NotDelegated(Conflict):
    code = "not_delegated"


class IdentityTaken(Conflict):
    code = "identity_taken"


class TooManyIdentities(Conflict):
    code = "too_many_identities"


class PasswordGivenOnce(Conflict):
    code = "password_given_once"


class SecondFactorStands(Conflict):
    code = "second_factor_stands"


class TooManyKeys(Conflict):
    code = "too_many_keys"


class EmergencyReviewed(Conflict):
    code = "emergency_reviewed"


class HandoverStands(Conflict):
    code = "handover_stands"


class HandoverOver(Conflict):
    code = "handover_over"


class AlreadyListed(Conflict):
    code = "already_listed"


class NotListedYet(Conflict):
    code = "not_listed_yet"


class ListOutdated(Conflict):
    code = "list_outdated"


class AlreadySigned(Conflict):
    code = "already_signed"


class SameHolder(Conflict):
    code = "same_holder"


class TooManyItems(Conflict):
    code = "too_many_items"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"待办超过 {most} 项,请先处理一部分", f"More than {most} items wait; work some off first", most=most
        )


class SignInAgain(Conflict):
    code = "sign_in_again"

    def __init__(self) -> None:
        super().__init__("登录已久,签字前请输入密码", "You signed in a while ago: give your password to sign")


class EmergencyGoesOn(Conflict):
    code = "emergency_goes_on"


class BadEmergency(Malformed):
    code = "bad_emergency"


class BadIdentity(Malformed):
    code = "bad_identity"


class WrongCode(Malformed):
    code = "wrong_code"


class WeakPassword(Malformed):
    """``why``: short, long, name, common."""

    code = "weak_password"


class BadLogin(Malformed):
    code = "bad_login"


class BadName(Malformed):
    code = "bad_name"


class BadPlace(Malformed):
    code = "bad_place"


class BadUntil(Malformed):
    code = "bad_until"


class TooManyRows(Malformed):
    code = "too_many_rows"

    def __init__(self, allowed: int) -> None:
        super().__init__(
            f"一份名单最多 {allowed} 行,请分成几份导入",
            f"A list holds {allowed} rows at most; send it in parts",
            allowed=allowed,
        )


class UnknownImport(NotFound):
    code = "unknown_import"

    def __init__(self) -> None:
        super().__init__("没有这次导入", "There is no such import")


class ImportBusy(Conflict):
    code = "import_busy"

    def __init__(self) -> None:
        super().__init__(
            "另一份人员名单正在导入,请等它完成后再试",
            "Another list of people is being taken in; try again when it is done",
        )


class NobodyWaits(Conflict):
    code = "nobody_waits"

    def __init__(self) -> None:
        super().__init__(
            "没有等待启动密码的人:都已设置自己的密码,或刚刚已经发放",
            "Nobody waits for a start password: all have chosen their own, or they were handed out just now",
        )
