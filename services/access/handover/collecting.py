"""What waits in a post, asked of every service as somebody who holds it would see it.

Access signs the token that the holder would have: the post's kind and place decide what is seen, the account which of
the work that is bound to a person. It is used for these questions alone and lives for minutes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from services.access.domain import Post
from services.access.errors import ServiceAway, TooManyItems
from services.access.handover_events import ListedItem
from services.access.sessions.session_desk import post_claims
from services.access.sessions.sessions import Holding, new_session_id
from services.access.sessions.signing import TokenSigner
from shared.outgoing.neighbours import neighbour_client
from shared.standards.open_work import SERVICES, rights_of
from shared.standards.posts import Kind
from shared.standards.rights import held_by
from shared.web.open_items import PATH, OpenItem
from shared.web.pages import PAGE_ROWS, Page

TIMEOUT_SECONDS = 35.0  # above the services' statement timeout
ITEMS_MOST = 20_000  # more than any office can sign for; money waits by school, not by child


class Collector:
    """``addresses``: service → where it answers; opens no connection before it is asked."""

    def __init__(self, addresses: Mapping[str, str], signer: TokenSigner) -> None:
        self._addresses, self._signer = dict(addresses), signer

    def items(self, post: Post, account_id: UUID, now: datetime) -> list[ListedItem]:
        """Every item that waits for this account in this post. Raises ServiceAway, TooManyItems: a list that is not
        whole is no list."""
        assert post.post_id is not None
        place = (post.division_code, post.school_code, post.school_class, post.agency)
        told = post_claims(Holding(post.post_id, post.kind, *place, None, None))
        claims: dict[str, Any] = {"sub": str(account_id), **told}
        token, _ = self._signer.token(claims, new_session_id(), now, now + timedelta(minutes=5))
        found: list[ListedItem] = []
        with neighbour_client(self._addresses.values(), TIMEOUT_SECONDS) as client:
            for service in SERVICES:
                if held_by(Kind(post.kind)).isdisjoint(rights_of(service)):
                    continue  # nothing waits there for such a post
                for item in self._of(client, service, token):
                    found.append(item)
                    if len(found) > ITEMS_MOST:
                        raise TooManyItems(ITEMS_MOST)
        return found

    def _of(self, client: httpx.Client, service: str, token: str) -> Iterator[ListedItem]:
        headers = {"authorization": f"Bearer {token}", "accept-language": "zh-CN"}
        after: str | None = None
        while True:
            given = {"limit": str(PAGE_ROWS)} | ({"after": after} if after else {})
            try:
                answer = client.get(self._addresses[service] + PATH, params=given, headers=headers)
                answer.raise_for_status()
                page = Page[OpenItem].model_validate_json(answer.content)
            except (httpx.HTTPError, KeyError, ValueError) as lost:
                raise ServiceAway(service) from lost
            yield from (_listed(item) for item in page.items)
            if page.next is None:
                return
            after = page.next


def _listed(item: OpenItem) -> ListedItem:
    return ListedItem(
        kind=item.kind,
        item_id=item.item_id,
        about=item.about,
        path=item.path,
        since=item.since,
        due=item.due,
        count=item.count,
        mine=item.assigned_to is not None,
    )
