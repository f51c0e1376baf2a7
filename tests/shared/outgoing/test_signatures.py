"""Signatures as receivers check them: by the published example, and by the library most of them use."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from shared.outgoing.signatures import new_secret, signed


def test_a_signature_is_that_of_the_published_example() -> None:
    secret, name, body = (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
    )
    headers = signed([secret, secret], name, 1614265330, body)
    one = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-signature"] == f"{one} {one}"


@given(st.text("abcdef0123456789-", min_size=1, max_size=40), st.text(max_size=200))
def test_the_receivers_library_takes_either_secret_and_nothing_else(message_id: str, text: str) -> None:
    former, fresh, other = new_secret(), new_secret(), new_secret()
    body = b'{"told": "' + text.encode().hex().encode() + b'"}'
    headers = signed([fresh, former], message_id, int(time.time()), body)
    for secret in (fresh, former):
        Webhook(secret).verify(body, headers)
    for secret, heard, said in ((other, body, headers), (fresh, body + b" ", headers)):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(heard, said)
    with pytest.raises(WebhookVerificationError):
        Webhook(fresh).verify(body, headers | {"webhook-id": message_id + "x"})
