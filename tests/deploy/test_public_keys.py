"""The file of public keys: what signs stands in it, before and after a key was replaced."""

from __future__ import annotations

import base64
from pathlib import Path

from deploy.public_keys import publish
from deploy.secrets import Secrets
from deploy.spec import SERVICES
from shared.hosting.settings import Settings
from shared.transparency.checkpoints import log_signers
from shared.transparency.notes import read_vkeys


def settings(home: Path) -> Settings:
    environ = {
        "ROLLCALL_HOME": str(home),
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "ROLLCALL_ADMIN_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x",
    }
    return Settings.from_environment("registry", environ)


def signing(home: Path) -> list[str]:
    found = settings(home)
    return [each.verifier.vkey() for each in log_signers(found.source, found.log_seeds)]


def test_every_log_and_the_witness_stand_in_the_file_and_a_replaced_key_stays(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path, production=False)
    first = read_vkeys(publish(tmp_path, "469080", secrets).read_text("utf-8"))
    assert [each.name for each in first] == [
        *(f"rollcall/469080/{service}" for service in (*SERVICES, "audit")),
        "rollcall/469080/witness",
    ]
    assert read_vkeys(publish(tmp_path, "469080", secrets).read_text("utf-8")) == first
    (before,) = signing(tmp_path)
    folder = tmp_path / "secrets"
    (folder / "log-registry").rename(folder / "log-registry-previous")
    secrets.bytes("log-registry")
    after = [each.vkey() for each in read_vkeys(publish(tmp_path, "469080", secrets).read_text("utf-8"))]
    assert len(after) == len(first) + 1
    now, previous = signing(tmp_path)
    assert previous == before
    assert {now, previous} <= set(after)
    assert settings(tmp_path).public_keys_file == tmp_path / "public-keys.txt"


def test_keys_and_addresses_may_come_from_the_environment(tmp_path: Path) -> None:
    given = {"ROLLCALL_SECRET_LOG_REGISTRY": base64.b64encode(b"g" * 32).decode()}
    environ = {
        **given,
        "ROLLCALL_HOME": str(tmp_path),
        "ROLLCALL_REGISTRY_URL": "http://10.0.0.5:9000",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "ROLLCALL_ADMIN_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x",
    }
    found = Settings.from_environment("registry", environ)
    assert found.log_seeds == [b"g" * 32]
    assert found.addresses["registry"] == "http://10.0.0.5:9000"
    assert found.addresses["matching"] == "http://127.0.0.1:8002"
