"""Settings from the environment, and processes that cannot be declared wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.errors import StartRefused
from deploy.spec import DATABASES, Installation, ProcessSpec


def test_without_any_setting_everything_is_embedded_at_port_8000() -> None:
    installation = Installation.from_environment({})
    assert (installation.port, installation.division, installation.environment) == (8000, "469080", "demo")
    assert installation.home.name == ".rollcall"
    assert not installation.outside_databases
    assert installation.outside_kafka is None


def test_outside_servers_switch_the_embedded_ones_off() -> None:
    assert Installation.from_environment({"KAFKA_BOOTSTRAP_SERVERS": "a:9092"}).outside_kafka == "a:9092"
    assert Installation.from_environment({"ROLLCALL_ADMIN_DATABASE_URL": "postgresql://a/"}).outside_databases
    each = {f"DATABASE_URL_{name.upper()}": "postgresql://a/b" for name in DATABASES}
    assert Installation.from_environment(each).outside_databases
    del each["DATABASE_URL_KEYS"]
    assert not Installation.from_environment(each).outside_databases


@pytest.mark.parametrize(
    ("name", "value"),
    [("ROLLCALL_PORT", "80"), ("ROLLCALL_PORT", "x"), ("ROLLCALL_DIVISION", "46"), ("ROLLCALL_ENV", "prod")],
)
def test_a_setting_that_cannot_be_meant_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(StartRefused, match=name):
        Installation.from_environment({name: value})


def test_a_process_declares_a_plain_name_and_a_port_below_the_servers() -> None:
    with pytest.raises(ValueError, match="not a process name"):
        ProcessSpec("Registry API", "services.registry")
    with pytest.raises(ValueError, match="port_offset"):
        ProcessSpec("registry", "services.registry", port_offset=90)
    installation = Installation(home=Path("/nowhere"), port=9000)
    assert installation.port_of(ProcessSpec("registry", "services.registry", port_offset=3)) == 9003
    assert installation.port_of(ProcessSpec("processor", "services.registry")) is None
