"""The launcher and the environment it builds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import install
from deploy.spec import PROJECT

HEAVY = (
    "sqlalchemy",
    "polars",
    "fastapi",
    "faust",
    "aiokafka",
    "kafka",
    "psycopg",
    "cryptography",
    "jgo",
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose finished environment is the one these tests run in."""
    (tmp_path / "venv").mkdir()
    install._point(tmp_path / "venv", Path(sys.prefix))
    return tmp_path


def rollcall(home: Path, *arguments: str, folder: Path, script: Path = PROJECT / "rollcall") -> tuple[int, str, str]:
    """Exit code, output and errors of a command."""
    variables = {**os.environ, "ROLLCALL_HOME": str(home), "ROLLCALL_PORT": "64000"}
    done = subprocess.run(
        [str(script), *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


def test_the_launcher_works_through_a_symlink_from_a_folder_with_packages_of_the_same_name(home: Path) -> None:
    folder = home / "someone else's folder"
    (folder / "cli").mkdir(parents=True)
    (folder / "cli" / "__init__.py").write_text("raise SystemExit('the wrong cli')")
    (folder / "second").symlink_to(PROJECT / "rollcall")
    (folder / "first").symlink_to("second")
    code, output, errors = rollcall(home, "--help", folder=folder, script=folder / "first")
    assert (code, errors) == (0, "")
    assert "status" in output


def test_exit_codes_tell_refused_from_misused(home: Path, tmp_path: Path) -> None:
    code, _, errors = rollcall(home, "up", "--no-such-option", folder=tmp_path)
    assert code == 2
    assert "No such option" in errors
    code, output, _ = rollcall(home, "status", folder=tmp_path)
    assert code == 1
    assert "not running" in output
    assert rollcall(home, "down", folder=tmp_path)[:2] == (0, "Nothing was running.\n")


def test_without_a_fitting_python_one_line_says_what_to_install(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "env", "readlink", "dirname", "cksum"):
        found = subprocess.run(["which", name], capture_output=True, text=True, check=True).stdout.strip()
        (tools / name).symlink_to(found)
    variables = {"PATH": str(tools), "ROLLCALL_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [str(PROJECT / "rollcall"), "status"], env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "needs Python 3.11 or later" in done.stderr


def test_help_answers_without_loading_what_only_commands_need() -> None:
    code = "import sys, cli.main; cli.main.build_app(); print([name for name in sys.argv[1:] if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code, *HEAVY], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def small_pins(folder: Path) -> Path:
    """One small package out of the real pins, hashes and all."""
    text = install.PINS.read_text()
    begin = text.index("\nsix==") + 1
    end = text.index("\n    #", begin)
    path = folder / "pins.txt"
    path.write_text(text[begin:end] + "\n")
    return path


def test_an_interrupted_build_is_built_anew_and_a_finished_one_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = tmp_path / "no-installer.txt"
    nothing.write_text("")
    monkeypatch.setattr(install, "INSTALLER_PINS", nothing)
    monkeypatch.setattr(install, "PINS", small_pins(tmp_path))
    real = install._install
    monkeypatch.setattr(install, "_install", lambda environment, pins: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        install.ensure_environment(tmp_path)
    assert not (tmp_path / "venv" / "current").exists()
    monkeypatch.setattr(install, "_install", real)
    environment = install.ensure_environment(tmp_path)
    subprocess.run([str(environment / "bin" / "python"), "-c", "import six"], check=True)
    monkeypatch.setattr(install, "_build", lambda home, folder: pytest.fail("built again"))
    assert install.ensure_environment(tmp_path) == environment
    assert (tmp_path / "venv" / "current").read_text().splitlines()[1] == str(environment)


def test_a_package_with_another_content_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = tmp_path / "no-installer.txt"
    nothing.write_text("")
    forged = tmp_path / "forged.txt"
    forged.write_text("six==1.17.0 --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setattr(install, "INSTALLER_PINS", nothing)
    monkeypatch.setattr(install, "PINS", forged)
    with pytest.raises(install.InstallRefused, match=r"cannot install the packages of forged\.txt"):
        install.ensure_environment(tmp_path)
    assert not (tmp_path / "venv" / "current").exists()


def test_too_little_disk_is_refused_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "NEEDED_FREE_BYTES", 2**60)
    with pytest.raises(install.InstallRefused, match="GB are needed"):
        install.ensure_environment(tmp_path)
