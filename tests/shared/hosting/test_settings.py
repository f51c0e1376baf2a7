from __future__ import annotations

import base64
from pathlib import Path

import pytest

from shared.hosting.settings import SettingMissing, Settings

SECRET = base64.b64encode(b"s" * 32).decode()
BASE = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
    "ROLLCALL_ADMIN_DATABASE_URL": "postgresql://postgres:owner@127.0.0.1:5/postgres",
    "ROLLCALL_PORT": "9000",
    "ROLLCALL_DIVISION": "460100",
    "ROLLCALL_SECRET_KEK": SECRET,
    "ROLLCALL_SECRET_HMAC_REGISTRY": SECRET,
}


def test_a_service_finds_its_database_port_topic_and_source() -> None:
    settings = Settings.from_environment("registry", BASE)
    assert settings.port == 9001
    assert settings.topic() == "rollcall.460100.registry.log"
    assert settings.heads_topic("matching") == "rollcall.460100.matching.heads"
    assert settings.source == "//rollcall/460100/registry"
    assert settings.database().name == "rollcall_registry"
    assert settings.keyring().name == "rollcall_keys"
    assert settings.hmac_key == b"s" * 32


def test_an_outside_database_wins_over_the_server() -> None:
    own = {"DATABASE_URL_REGISTRY": "postgresql://o:p@db.example/county_registry"}
    assert Settings.from_environment("registry", BASE | own).database().name == "county_registry"


def test_no_password_or_secret_shows_in_a_settings_text() -> None:
    assert "owner" not in repr(Settings.from_environment("registry", BASE))
    assert "sss" not in repr(Settings.from_environment("registry", BASE))


@pytest.mark.parametrize("missing", ["KAFKA_BOOTSTRAP_SERVERS", "ROLLCALL_ADMIN_DATABASE_URL"])
def test_what_has_no_safe_default_is_asked_for_by_name(missing: str) -> None:
    with pytest.raises(SettingMissing, match=missing):
        Settings.from_environment("registry", {name: value for name, value in BASE.items() if name != missing})


def test_a_misspelt_environment_is_not_taken_for_a_demo() -> None:
    with pytest.raises(SettingMissing, match="ROLLCALL_ENV"):
        Settings.from_environment("registry", BASE | {"ROLLCALL_ENV": "prod"})


def test_secrets_come_from_files_that_only_the_owner_reads(tmp_path: Path) -> None:
    settings = Settings.from_environment("matching", BASE | {"ROLLCALL_HOME": str(tmp_path)})
    with pytest.raises(SettingMissing, match="ROLLCALL_SECRET_HMAC_MATCHING"):
        settings.secret("hmac-matching")
    path = tmp_path / "secrets" / "hmac-matching"
    path.parent.mkdir()
    path.write_text(SECRET)
    path.chmod(0o644)
    with pytest.raises(SettingMissing, match="chmod"):
        settings.secret("hmac-matching")
    path.chmod(0o600)
    assert settings.hmac_key == b"s" * 32


@pytest.mark.parametrize("broken", ["not base64!", base64.b64encode(b"short").decode()])
def test_a_damaged_secret_is_refused(broken: str) -> None:
    with pytest.raises(SettingMissing, match="kek"):
        Settings.from_environment("registry", BASE | {"ROLLCALL_SECRET_KEK": broken})


def test_only_named_proxies_are_believed_and_names_are_no_addresses() -> None:
    assert Settings.from_environment("registry", BASE).proxies == ""
    told = {**BASE, "ROLLCALL_PROXIES": "10.0.0.5, 10.1.0.0/24"}
    assert Settings.from_environment("registry", told).proxies == "10.0.0.5,10.1.0.0/24"
    for odd in ("*", "proxy.county", "10.0.0.5/8"):
        with pytest.raises(SettingMissing, match="ROLLCALL_PROXIES"):
            Settings.from_environment("registry", {**BASE, "ROLLCALL_PROXIES": odd})
    with pytest.raises(SettingMissing, match="ROLLCALL_RATES"):
        Settings.from_environment("registry", {**BASE, "ROLLCALL_RATES": "person=none"})


def test_a_service_is_itself_to_kafka_and_no_password_shows() -> None:
    told = {**BASE, "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "ROLLCALL_SECRET_KAFKA_REGISTRY": SECRET}
    settings = Settings.from_environment("registry", told)
    assert settings.brokers.user == "rollcall.460100.registry" and len(settings.brokers.password) == 43
    assert settings.brokers.password not in repr(settings) + repr(settings.brokers)
    given = Settings.from_environment("registry", {**told, "KAFKA_USER": "u", "KAFKA_PASSWORD": "p"}).brokers
    assert (given.user, given.password, given.mechanism) == ("u", "p", "SCRAM-SHA-512")
    with pytest.raises(SettingMissing, match="kafka-matching"):
        _ = Settings.from_environment("matching", told).brokers
    with pytest.raises(SettingMissing, match="KAFKA_SECURITY_PROTOCOL"):
        Settings.from_environment("registry", {**BASE, "KAFKA_SECURITY_PROTOCOL": "SSL3"})


def test_in_production_nothing_crosses_a_network_readable() -> None:
    near = {**BASE, "ROLLCALL_ENV": "production"}
    Settings.from_environment("registry", near)
    for server in ("kafka.county:9092", "127.0.0.1:9092,10.0.0.7:9092"):
        for protocol in ("PLAINTEXT", "SASL_PLAINTEXT"):
            with pytest.raises(SettingMissing, match="SASL_SSL"):
                told = {**near, "KAFKA_BOOTSTRAP_SERVERS": server, "KAFKA_SECURITY_PROTOCOL": protocol}
                Settings.from_environment("registry", told)
        Settings.from_environment(
            "registry", {**near, "KAFKA_BOOTSTRAP_SERVERS": server, "KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}
        )
    for name in ("DATABASE_URL_REGISTRY", "DATABASE_URL_KEYS"):
        far = "postgresql://o:p@db.county/rollcall"
        for address in (far, far + "?sslmode=require", far + "?sslmode=verify-ca"):
            with pytest.raises(SettingMissing, match="verify-full"):
                Settings.from_environment("registry", {**near, name: address})
        Settings.from_environment("registry", {**near, name: far + "?sslmode=verify-full"})


def test_working_hours_and_kinds_that_ask_for_a_second_factor_are_read_or_refused_by_name() -> None:
    plain = Settings.from_environment("access", BASE)
    assert plain.working_hours == (6, 22) and plain.second_factor == frozenset()
    told = {**BASE, "ROLLCALL_WORKING_HOURS": "7-20", "ROLLCALL_SECOND_FACTOR": "approver, cashier"}
    found = Settings.from_environment("access", told)
    assert found.working_hours == (7, 20) and found.second_factor == {"approver", "cashier"}
    for name, odd in (("WORKING_HOURS", "22-6"), ("WORKING_HOURS", "day"), ("SECOND_FACTOR", "service")):
        with pytest.raises(SettingMissing, match=f"ROLLCALL_{name}"):
            Settings.from_environment("access", {**BASE, f"ROLLCALL_{name}": odd})
