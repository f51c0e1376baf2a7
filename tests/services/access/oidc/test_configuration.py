"""What the operator tells of the issuer, and what is refused before anything starts."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from services.access.errors import OidcOff
from services.access.oidc import entering
from services.access.oidc import office as oidc_office
from services.access.oidc.configuration import CLIENT_SECRET, Configuration, from_environment
from services.access.sessions.sign_in import Origin
from services.portal.settings import oidc_label
from shared.hosting.settings import SettingMissing, Settings
from tests.services.access.conftest import NOON
from tests.services.access.oidc.conftest import Door

GIVEN = {
    "ROLLCALL_OIDC_ISSUER": "https://sso.county.test/realm",
    "ROLLCALL_OIDC_CLIENT_ID": "rollcall",
    "ROLLCALL_PAGE_URL": "https://rollcall.county.test/",
}


def read(**changed: str) -> Configuration | None:
    return from_environment({**GIVEN, **changed}, lambda: "secret")


def test_what_is_told_is_read_and_no_secret_is_shown() -> None:
    found = read(ROLLCALL_OIDC_SECOND_FACTOR="amr=mfa, acr=urn:strong", ROLLCALL_OIDC_INSIDE="keys.inner.test")
    assert found is not None and found.redirect_uri == "https://rollcall.county.test/sign-in/oidc/callback"
    assert found.second_factors == {"amr=mfa", "acr=urn:strong"} and "secret'" not in repr(found)
    assert found.gate.allowed == {"sso.county.test", "keys.inner.test"}
    assert from_environment({}, lambda: "secret") is None


@pytest.mark.parametrize(
    "changed",
    [
        {"ROLLCALL_OIDC_ISSUER": "http://sso.county.test"},
        {"ROLLCALL_OIDC_ISSUER": "https://sso.county.test/?a=b"},
        {"ROLLCALL_OIDC_ISSUER": "https://sso.county.test/#x"},
        {"ROLLCALL_OIDC_ISSUER": "https://a:b@sso.county.test"},
        {"ROLLCALL_OIDC_ISSUER": "sso.county.test"},
        {"ROLLCALL_OIDC_ISSUER": "https://sso.county.test:port"},
        {"ROLLCALL_OIDC_CLIENT_ID": ""},
        {"ROLLCALL_OIDC_SECOND_FACTOR": "mfa"},
        {"ROLLCALL_OIDC_SECOND_FACTOR": "amr="},
        {"ROLLCALL_PAGE_URL": "http://rollcall.county.test"},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(SettingMissing):
        read(**changed)


def test_plain_http_is_for_this_machine_only() -> None:
    for address in ("http://127.0.0.1:9000", "http://localhost:9000/realm", "http://[::1]:9000"):
        assert read(ROLLCALL_OIDC_ISSUER=address, ROLLCALL_PAGE_URL="") is not None


def test_the_clients_secret_is_a_named_one_of_any_length(tmp_path: Path) -> None:
    environment = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "ROLLCALL_ADMIN_DATABASE_URL": "postgresql://127.0.0.1/a"}
    environment["ROLLCALL_HOME"] = str(tmp_path)
    with pytest.raises(SettingMissing, match="ROLLCALL_SECRET_OIDC_CLIENT"):
        Settings.from_environment("access", environment).text_secret(CLIENT_SECRET)
    (tmp_path / "secrets").mkdir()
    kept = tmp_path / "secrets" / CLIENT_SECRET
    kept.write_text(base64.b64encode("密 of+the/client%".encode()).decode())
    kept.chmod(0o600)
    assert Settings.from_environment("access", environment).text_secret(CLIENT_SECRET) == "密 of+the/client%"
    environment["ROLLCALL_SECRET_OIDC_CLIENT"] = base64.b64encode(b"given").decode()
    assert Settings.from_environment("access", environment).text_secret(CLIENT_SECRET) == "given"
    environment["ROLLCALL_SECRET_OIDC_CLIENT"] = base64.b64encode(b"\xff").decode()
    with pytest.raises(SettingMissing):
        Settings.from_environment("access", environment).text_secret(CLIENT_SECRET)


def test_the_button_is_named_in_both_languages() -> None:
    assert oidc_label({}) is None
    assert oidc_label(GIVEN) == ("sso.county.test", "sso.county.test")
    assert oidc_label(GIVEN | {"ROLLCALL_OIDC_LABEL": "县统一身份|County identity"}) == (
        "县统一身份",
        "County identity",
    )
    assert oidc_label(GIVEN | {"ROLLCALL_OIDC_LABEL": "县统一身份"}) == ("县统一身份", "县统一身份")


def test_without_an_issuer_there_is_no_such_sign_in(door: Door) -> None:
    off = oidc_office.Office(door.desk, None)
    for way in (
        lambda: entering.begin(off, Origin("10.0.0.1"), NOON),
        lambda: entering.finish_with_code(off, "A" * 43, "000000", Origin("10.0.0.1"), NOON),
    ):
        with pytest.raises(OidcOff):
            way()
