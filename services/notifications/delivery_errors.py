"""Refusals of delivery.

Refusal
├── NotFound            404
│   ├── UnknownMessage      no such message, or not to one of the caller's places
│   ├── UnknownDelivery     no such delivery, or not one of the caller's
│   └── UnknownWebhook      no such receiving system, or not one of the caller's
├── Conflict            409
│   ├── DeliveryNotFailed   only what could not be made is sent again or given up
│   ├── WebhookNotActive    nothing is sent to a disabled system
│   ├── LinkExpired         a chat group's link is good for a day
│   └── LinkUsed            and leads each person in once
└── Malformed           422
    ├── AddressUnfit        nothing can be sent to such an address
    ├── NoPlace             the caller's token names no school and no division
    └── LinkBad             a sign-in link that this installation did not sign
"""

from __future__ import annotations

from typing import Any

from shared.kernel.refusals import Conflict, Malformed, NotFound


class UnknownMessage(NotFound):
    code = "unknown_message"

    def __init__(self) -> None:
        super().__init__("没有这条消息", "There is no such message")


class UnknownDelivery(NotFound):
    code = "unknown_delivery"

    def __init__(self) -> None:
        super().__init__("没有这条发送记录", "There is no such delivery")


class UnknownWebhook(NotFound):
    code = "unknown_webhook"

    def __init__(self) -> None:
        super().__init__("没有这个接收系统", "There is no such receiving system")


class DeliveryNotFailed(Conflict):
    code = "delivery_not_failed"

    def __init__(self, state: str) -> None:
        super().__init__("只有未送达的消息可以重发或放弃", "Only what failed is sent again or given up", state=state)


class WebhookNotActive(Conflict):
    code = "webhook_not_active"

    def __init__(self) -> None:
        super().__init__("该接收系统已停用", "This receiving system is disabled")


class AddressUnfit(Malformed):
    code = "address_unfit"

    def __init__(self, field: str, zh: str, en: str, **facts: Any) -> None:
        super().__init__(zh, en, field=field, **facts)


class NoPlace(Malformed):
    code = "no_place"

    def __init__(self) -> None:
        super().__init__("登录信息中没有学校或地区,无法设置", "The sign-in names no school and no division")


class LinkBad(Malformed):
    code = "link_bad"

    def __init__(self) -> None:
        super().__init__("链接无效,请从首页进入", "The link is not valid; go by the first page")


class LinkExpired(Conflict):
    code = "link_expired"

    def __init__(self) -> None:
        super().__init__("链接已过期,请从首页进入", "The link has expired; go by the first page")


class LinkUsed(Conflict):
    code = "link_used"

    def __init__(self) -> None:
        super().__init__("您已用过此链接,请从首页进入", "You have used this link; go by the first page")
