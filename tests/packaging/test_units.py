"""What is installed fits what the service works with."""

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cloud.settings import Recognition, load
from tests.support.units import unit

PACKAGING = Path(__file__).parents[2] / "packaging"
SEVERAL = PACKAGING.parent / "deploy" / "systemd" / "palm-cloud@.service"
UNITS = sorted((PACKAGING / "units").glob("*.service"))


def test_the_vault_recognises_in_the_schemes_of_a_service_with_default_settings():
    words = shlex.split(unit("palm-vault.service")["ExecStart"])
    schemes = [tuple(words[at + 1 : at + 3]) for at, word in enumerate(words) if word == "--scheme"]
    default = Recognition()
    assert schemes == [(scheme.extractor, scheme.matcher) for scheme in default.schemes]
    assert words[words.index("--examiner") + 1] == default.examiner


def test_the_settings_that_are_installed_find_the_vault():
    settings = load(PACKAGING / "files" / "cloud-settings.toml")
    words = shlex.split(unit("palm-vault.service")["ExecStart"])
    assert settings.vault.socket == Path(words[words.index("--socket") + 1])


def test_the_session_and_the_updates_are_of_the_same_state_and_settings():
    check = shlex.split(unit("palm-kiosk-update.service")["ExecStart"])
    session = shlex.split((PACKAGING / "files" / "session").read_text().splitlines()[-1])
    assert check[1:3] == ["-m", "kiosk.updates.check"]
    assert session[2:4] == ["-m", "kiosk.updates.start"]
    assert session[4:] == check[3:]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_no_unit_leaves_a_palm_on_a_disk_or_tries_a_wrong_setting_again_for_ever(path: Path):
    service = unit(path.name)
    assert service["LimitCORE"] == "0"
    assert service["MemorySwapMax"] == "0"
    assert service["CapabilityBoundingSet"] == ""
    assert service["User"].startswith("palm-")


@pytest.mark.parametrize("name", ["palm-kiosk", "palm-cloud", "palm-vault"])
def test_what_stays_is_waited_for_and_watched(name: str):
    service = unit(f"{name}.service")
    assert service["Type"] == "notify"
    assert 0 < int(service["WatchdogSec"]) <= 20
    assert service["Restart"] in ("always", "on-failure")


def test_the_kiosk_shows_its_first_screen_before_there_is_a_network():
    lines = (PACKAGING / "units" / "palm-kiosk.service").read_text().splitlines()
    (after,) = (line for line in lines if line.startswith("After="))
    assert "network" not in after


def test_the_kiosk_alone_speaks_for_its_session():
    """xinit and a shell stand between it and systemd; the X server would say that it is ready."""
    service = unit("palm-kiosk.service")
    assert service["NotifyAccess"] == "all"
    server = shlex.split(service["ExecStart"].partition(" -- ")[2])[0]
    assert server == "/usr/lib/palm-kiosk/screen"
    screen = (PACKAGING / "files" / "screen").read_text().splitlines()
    assert screen[-2:] == ["unset NOTIFY_SOCKET", 'exec /usr/bin/X "$@"']


@pytest.mark.parametrize("part", ["cloud.providers.localstripe", "no.such.part"])
@pytest.mark.process
def test_a_part_that_is_not_there_is_said(part: str):
    program = [sys.executable, PACKAGING / "program.py", "-m", part]
    ended = subprocess.run(program, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1


def test_the_program_has_every_part_that_another_part_starts():
    rooms = ("cloud", "hardware", "kiosk", "protocol", "ui")
    started = {
        part
        for room in rooms
        for path in (PACKAGING.parent / room).rglob("*.py")
        for part in re.findall(r'sys\.executable,\s*"-m",\s*"([\w.]+)"', path.read_text("utf-8"))
    }
    assert {"cloud", "cloud.fleet.picture_files", "hardware.osdp"} <= started
    assert started <= set(runpy.run_path(str(PACKAGING / "program.py"))["PARTS"])


@pytest.mark.process
def test_a_part_is_run_as_python_runs_it():
    program = [sys.executable, PACKAGING / "program.py", "-m", "protocol.verify_receipt", "--help"]
    environment = {"PYTHONPATH": str(PACKAGING.parent)}
    ended = subprocess.run(program, capture_output=True, text=True, check=False, env=environment)
    assert ended.returncode == 0
    assert "receipt" in ended.stdout


@pytest.mark.process
def test_the_simulated_provider_runs_without_the_program(tmp_path: Path):
    """Its package has these files alone, and no room that they are of."""
    folder = tmp_path / "cloud" / "providers"
    folder.mkdir(parents=True)
    for name in ("localstripe.py", "sandbox_pages.py"):
        shutil.copyfile(PACKAGING.parent / "cloud" / "providers" / name, folder / name)
    command = [sys.executable, "-m", "cloud.providers.localstripe", "--help"]
    environment = {"PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    "path",
    [
        *(PACKAGING / "units" / f"palm-{name}.service" for name in ("kiosk", "vault", "cloud")),
        SEVERAL,
    ],
)
def test_what_reads_pictures_may_confine_itself(path: Path):
    """A vault does, which a kiosk without a service of others starts under its own unit, and what a
    service has read the pictures that operators give for kiosks."""
    text = path.read_text()
    allowed = [line.split("=")[1].split() for line in text.splitlines() if "CallFilter=" in line]
    assert any("seccomp" in words for words in allowed)


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Returns what packages are built with."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    return runpy.run_path(str(PACKAGING / "build.py"))


@pytest.mark.process
def test_a_purge_leaves_no_key_on_a_partition_of_its_own(tmp_path: Path, build: dict[str, Any]):
    partition, state, gone = (tmp_path / name for name in ("srv", "state", "gone"))
    (partition / "keys").mkdir(parents=True)
    (partition / "keys" / "vault.json").touch()
    state.symlink_to(partition)
    build["write_scripts"](
        build["Package"]("palm-vault", "", state=(str(state), str(gone))), tmp_path
    )
    # A machine on which tests run has nothing to load anew.
    (tmp_path / "systemctl").symlink_to("/bin/true")
    path = f"{tmp_path}:{os.environ['PATH']}"
    for how in ("remove", "purge", "purge"):
        before = list(partition.iterdir())
        subprocess.run(["sh", tmp_path / "postrm", how], check=True, env={"PATH": path})
        assert list(partition.iterdir()) == ([] if how == "purge" else before)


@pytest.mark.process
@pytest.mark.parametrize("migrates", [True, False])
def test_an_upgrade_whose_database_cannot_be_migrated_restarts_nothing_and_says_what_to_do(
    tmp_path: Path, build: dict[str, Any], migrates: bool
):
    (package,) = (each for each in build["PACKAGES"] if each.name == "palm-cloud")
    build["write_scripts"](package, tmp_path)
    installed = (tmp_path / "postinst").read_text().replace("/run/systemd/system", str(tmp_path))
    (tmp_path / "postinst").write_text(installed)
    for name in ("systemd-sysusers", "systemd-tmpfiles", "chgrp", "chmod"):
        (tmp_path / name).symlink_to("/bin/true")
    asked = tmp_path / "asked"
    for name, ends in (("systemctl", "true"), ("palm-cloud", str(migrates).lower())):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "$0 $*" >> {asked}\n{ends}\n')
        (tmp_path / name).chmod(0o755)
    command = ["sh", tmp_path / "postinst", "configure", "0.0.9"]
    path = f"{tmp_path}:{os.environ['PATH']}"
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env={"PATH": path})
    assert "palm-cloud try-migration" in asked.read_text()
    assert (ended.returncode == 0) is migrates
    assert ("try-restart" in asked.read_text()) is migrates
    assert ("packages of the version before" in ended.stderr) is not migrates


@pytest.mark.process
def test_an_installation_takes_up_what_is_plugged_in_already(tmp_path: Path, build: dict[str, Any]):
    for package in build["PACKAGES"]:
        if package.units:
            (tmp_path / package.name).mkdir()
            build["write_scripts"](package, tmp_path / package.name)
    for script in tmp_path.glob("*/*"):
        subprocess.run(["sh", "-n", script], check=True)
    installed = (tmp_path / "palm-kiosk" / "postinst").read_text()
    assert "udevadm trigger" in installed
    assert "restart systemd-sysctl" in installed
