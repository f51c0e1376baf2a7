"""One SMS to one person by an operator's gateway over HTTP: what it is sent and what its answer means is configuration,
because every gateway words the same four things in its own way."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec

from shared.outgoing.addresses import Gate
from shared.outgoing.exchange import post

ANSWER_BYTES = 4_096
_BLANKS = re.compile(r"\{(phone|text|id)\}")
_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,32}")


class Taken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an answer of status 2xx says that the message was taken: ``field`` (a path of dots) of its JSON is one of
    ``values``, compared as text."""

    field: str
    values: tuple[str, ...]


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of a gateway. ``{phone}``, ``{text}`` and ``{id}`` (the same over all attempts) are filled in within the
    values of ``fields``. ``form`` sends them as a form, else they are JSON. ``signature`` opens every text, for a
    gateway that does not put it there itself; ``parts_most``: what one message may cost. Without ``taken`` every 2xx
    counts."""

    url: str
    fields: dict[str, Any]
    headers: dict[str, str] = {}
    form: bool = False
    signature: str = ""
    parts_most: int = 2
    taken: Taken | None = None


@dataclass(frozen=True)
class SmsGateway:
    """A gateway by its template, which holds what it asks for as proof: never shown."""

    template: Template = field(repr=False)

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> SmsGateway | None:
        """ROLLCALL_SMS_GATEWAY names a TOML file; None without one. Raises ValueError for a file that does not read."""
        named = env.get("ROLLCALL_SMS_GATEWAY", "")
        if not named:
            return None
        try:
            return cls.read(Path(named).read_text())
        except OSError as missing:
            raise ValueError(f"ROLLCALL_SMS_GATEWAY: {type(missing).__name__}") from None

    @classmethod
    def read(cls, content: str) -> SmsGateway:
        """A gateway of a TOML text. Raises ValueError, without repeating what may be secret."""
        try:
            template = msgspec.convert(tomllib.loads(content), Template)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as odd:
            raise ValueError(f"the SMS gateway's file does not read: {type(odd).__name__}") from None
        said = json.dumps(template.fields)
        if "{phone}" not in said or "{text}" not in said or template.parts_most < 1:
            raise ValueError("the SMS gateway's fields must name {phone} and {text}, parts_most be 1 or more")
        if template.form and any(isinstance(each, dict | list) for each in template.fields.values()):
            raise ValueError("a form's fields are plain values")
        return cls(template)

    async def send(self, gate: Gate, to: str, message_id: str, text: str) -> str:
        """Send it; a problem as a code, empty when the gateway took it. Never raises for what the gateway does."""
        given = {"phone": to, "text": text, "id": message_id}
        fields = _filled(self.template.fields, given)
        form = self.template.form
        body = urlencode(fields).encode() if form else json.dumps(fields, ensure_ascii=False).encode()
        kind = "application/x-www-form-urlencoded" if form else "application/json"
        headers = {"content-type": f"{kind}; charset=utf-8", **self.template.headers}
        answer = await post(gate, self.template.url, body, headers, read_bytes=ANSWER_BYTES)
        return answer.problem or self._refusal(answer.body)

    def _refusal(self, body: bytes) -> str:
        taken = self.template.taken
        if taken is None:
            return ""
        try:
            found: Any = json.loads(body)
        except ValueError:
            return "gateway_unreadable"
        for name in taken.field.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        if str(found) in taken.values:
            return ""
        return f"gateway_{found}" if _CODE.fullmatch(str(found)) else "gateway_refused"


def _filled(value: Any, given: Mapping[str, str]) -> Any:
    """In one pass: what is filled in is not looked at for further blanks."""
    if isinstance(value, str):
        return _BLANKS.sub(lambda blank: given[blank[1]], value)
    if isinstance(value, dict):
        return {name: _filled(each, given) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, given) for each in value]
    return value
