"""Runs an unchanged pretix on SQLite, on loopback, in a folder of its own."""

import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ENVIRONMENT = Path(__file__).parents[1] / ".venv-pretix"
STARTS_WITHIN_S = 120
ORGANIZER = "palm"
ADMIN = "admin@localhost.localdomain"

_CONFIGURATION = """[pretix]
instance_name = Sandbox
url = http://127.0.0.1:{port}
datadir = {folder}
registration = off
[database]
backend = sqlite3
"""
_SETTINGS = """# The tables are made at once instead of by ten years of migrations.
from pretix.settings import *


class Nothing(dict):
    def __contains__(self, app):
        return True

    def __getitem__(self, app):
        return None


MIGRATION_MODULES = Nothing()
"""


class NotInstalled(Exception):
    """There is no pretix in its environment."""


def is_installed() -> bool:
    return any(ENVIRONMENT.glob("lib/*/site-packages/pretix/__init__.py"))


@dataclass(frozen=True)
class Gate:
    """A gate of the organiser's, and a device that stands there. They are numbered from 1."""

    name: str
    token: str = field(default_factory=lambda: secrets.token_hex(8), repr=False)
    """The initialization token of its device."""
    profile: str = "pretixscan_online_noorders"


@dataclass
class Server:
    """A pretix that runs. `api` calls it with all rights of the organiser's team."""

    folder: Path
    port: int
    password: str = field(repr=False)
    """The password of `ADMIN`."""
    gates: tuple[Gate, ...]
    api: httpx.Client
    _process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def code(self, gate: Gate) -> str:
        """Returns what the QR code of a gate's device says."""
        return json.dumps({"handshake_version": 1, "url": self.url, "token": gate.token})

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()

    def start(self) -> None:
        """Starts it again at the same port, with what it knew."""
        self._process = _serve(self.folder, self.port, self.api)


@contextmanager
def running(folder: Path, gates: tuple[Gate, ...], port: int = 0) -> Generator[Server]:
    """Runs a new pretix in an empty folder while the block lasts. Raises NotInstalled."""
    if not is_installed():
        raise NotInstalled
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    port = port or _free_port()
    (folder / "pretix.cfg").write_text(_CONFIGURATION.format(port=port, folder=folder))
    shutil.copyfile(_template(), folder / "db.sqlite3")
    password, token = secrets.token_urlsafe(9), secrets.token_hex(32)
    content = folder / "content.json"
    content.write_text(json.dumps(_organizer(gates, password, token)))
    _manage(folder, "loaddata", "--verbosity", "0", str(content))
    content.unlink()
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}/api/v1/organizers/{ORGANIZER}",
        headers={"authorization": f"Token {token}"},
        timeout=60,
        trust_env=False,
    ) as api:
        server = Server(folder, port, password, gates, api, _serve(folder, port, api))
        try:
            yield server
        finally:
            server.stop()


def _template() -> Path:
    """Returns a database with all tables and nothing in them, which is made once."""
    folder = ENVIRONMENT / "template"
    made = folder / "made.sqlite3"
    if not made.exists():
        folder.mkdir(exist_ok=True)
        (folder / "pretix.cfg").write_text(_CONFIGURATION.format(port=0, folder=folder))
        (folder / "at_once.py").write_text(_SETTINGS)
        (folder / "db.sqlite3").unlink(missing_ok=True)
        _manage(folder, "migrate", "--run-syncdb", "--verbosity", "0", settings="at_once")
        (folder / "db.sqlite3").rename(made)
    return made


def _organizer(gates: tuple[Gate, ...], password: str, token: str) -> list[dict[str, Any]]:
    """Returns what cannot be made through the API, as a fixture of Django's."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    salt = secrets.token_hex(8)
    rounds = 600_000
    digest = b64encode(hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), rounds))
    rights = {"all_events": True, "all_event_permissions": True, "all_organizer_permissions": True}
    rows: list[tuple[str, dict[str, Any]]] = [
        (
            "user",
            {
                "email": ADMIN,
                "password": f"pbkdf2_sha256${rounds}${salt}${digest.decode()}",
                "is_active": True,
                "is_staff": True,
                "is_verified": True,
                "date_joined": now,
            },
        ),
        ("organizer", {"name": "Palm Events", "slug": ORGANIZER, "plugins": ""}),
        (
            "saleschannel",
            {"organizer": 1, "identifier": "web", "type": "web", "label": "Shop", "position": 1},
        ),
        ("team", {"organizer": 1, "name": "Everybody", "members": [1], **rights}),
        ("teamapitoken", {"team": 1, "name": "sandbox", "token": token}),
    ]
    objects = [{"model": f"pretixbase.{kind}", "pk": 1, "fields": row} for kind, row in rows]
    for number, gate in enumerate(gates, 1):
        at = {"organizer": 1, "name": gate.name, "identifier": f"GATE{number}"}
        device = {
            "organizer": 1,
            "gate": number,
            "device_id": number,
            "name": f"Kiosk at {gate.name}",
            "unique_serial": secrets.token_hex(8),
            "initialization_token": gate.token,
            "all_events": True,
            "security_profile": gate.profile,
            "created": now,
        }
        objects.append({"model": "pretixbase.gate", "pk": number, "fields": at})
        objects.append({"model": "pretixbase.device", "pk": number, "fields": device})
    return objects


def _environment(folder: Path, settings: str | None) -> dict[str, str]:
    changed = {
        "PRETIX_CONFIG_FILE": str(folder / "pretix.cfg"),
        "PYTHONPATH": str(folder),
        "DJANGO_SETTINGS_MODULE": settings or "pretix.settings",
    }
    return {**os.environ, **changed}


def _command(*arguments: str) -> list[str]:
    return [str(ENVIRONMENT / "bin" / "python"), "-m", "pretix", *arguments]


def _manage(folder: Path, *arguments: str, settings: str | None = None) -> None:
    """Raises CalledProcessError."""
    subprocess.run(  # noqa: S603
        _command(*arguments), env=_environment(folder, settings), cwd=folder, check=True
    )


def _serve(folder: Path, port: int, api: httpx.Client) -> subprocess.Popen[bytes]:
    """Starts the server and returns when it answers."""
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603
            _command("runserver", "--noreload", f"127.0.0.1:{port}"),
            env=_environment(folder, None),
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    give_up = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            api.get("/").raise_for_status()
        except httpx.TransportError:
            if process.poll() is not None or time.monotonic() > give_up:
                process.kill()
                process.wait()
                raise RuntimeError(f"pretix does not start: {folder / 'server.log'}") from None
            time.sleep(0.1)
        except BaseException:
            process.kill()
            process.wait()
            raise
        else:
            return process


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
