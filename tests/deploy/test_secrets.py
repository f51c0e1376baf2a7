"""Secrets are made once, kept from others, and never replaced by a guess."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.secrets import SecretMissing, Secrets, SecretUnreadable


def test_a_secret_is_made_once_and_is_the_same_ever_after(tmp_path: Path) -> None:
    first = Secrets(tmp_path).bytes("kek")
    assert len(first) == 32
    assert Secrets(tmp_path).bytes("kek") == first
    assert Secrets(tmp_path).bytes("hmac-registry") != first


def test_processes_that_make_a_secret_at_the_same_time_agree_on_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(lambda _: Secrets(tmp_path).bytes("kek"), range(64)))) == 1
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["kek"]


def test_the_file_is_for_its_owner_alone_and_refused_when_others_can_read_it(tmp_path: Path) -> None:
    Secrets(tmp_path).bytes("kek")
    path = tmp_path / "secrets" / "kek"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.chmod(0o640)
    with pytest.raises(SecretUnreadable, match="chmod 600"):
        Secrets(tmp_path).bytes("kek")


def test_the_environment_wins_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLCALL_SECRET_HMAC_REGISTRY", base64.b64encode(b"k" * 32).decode())
    assert Secrets(tmp_path).bytes("hmac-registry") == b"k" * 32
    assert not (tmp_path / "secrets").exists()


@pytest.mark.parametrize("text", ["not base64!", base64.b64encode(b"short").decode()])
def test_a_broken_secret_is_refused_not_replaced(tmp_path: Path, text: str) -> None:
    Secrets(tmp_path).bytes("kek")
    (tmp_path / "secrets" / "kek").write_text(text)
    with pytest.raises(SecretUnreadable):
        Secrets(tmp_path).bytes("kek")


def test_production_refuses_to_make_up_a_missing_secret(tmp_path: Path) -> None:
    with pytest.raises(SecretMissing, match="ROLLCALL_SECRET_KEK"):
        Secrets(tmp_path, production=True).bytes("kek")


def test_the_text_somebody_else_gave_is_never_made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = Secrets(tmp_path, production=False)
    with pytest.raises(SecretMissing, match="ROLLCALL_SECRET_OIDC_CLIENT"):
        secrets.text("oidc-client")
    secrets.bytes("kek")
    path = tmp_path / "secrets" / "oidc-client"
    path.write_text("a secret: of+the/client%")  # not base64
    path.chmod(0o600)
    with pytest.raises(SecretUnreadable):
        secrets.text("oidc-client")
    path.write_text(base64.b64encode("客户端 secret".encode()).decode() + "\n")
    assert secrets.text("oidc-client") == "客户端 secret"
    path.chmod(0o644)
    with pytest.raises(SecretUnreadable):
        secrets.text("oidc-client")
    monkeypatch.setenv("ROLLCALL_SECRET_OIDC_CLIENT", base64.b64encode(b"other").decode())
    assert secrets.text("oidc-client") == "other"


def test_a_successor_takes_the_place_and_the_former_one_is_kept(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    first, following = secrets.bytes("kek"), secrets.bytes("kek-next")
    assert secrets.succeed("kek", "kek-next", "kek-former")
    assert (secrets.bytes("kek"), secrets.bytes("kek-former")) == (following, first)
    assert not secrets.has("kek-next")
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / "secrets").iterdir())


def test_what_the_environment_gives_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLCALL_SECRET_KEK", base64.b64encode(b"k" * 32).decode())
    assert not Secrets(tmp_path).succeed("kek", "kek-next", "kek-former")
