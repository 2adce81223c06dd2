"""A support bundle tells what is wrong with a kiosk, and nothing about anybody."""

import json
import logging
import os
from base64 import b64encode
from pathlib import Path

import pytest

from hardware.terminal import SimulatedTerminal
from kiosk.lately import LINES, Impersonal, Lately
from kiosk.screens import (
    About,
    AskConsent,
    Bundle,
    Check,
    Choice,
    ConfirmPurchase,
    EnterCode,
    EnterPhone,
    EnterPin,
    Finding,
    Health,
    HoldPalm,
    Maintenance,
    OfferSecondPalm,
    Part,
    PresentCard,
    SignedUp,
    Trouble,
    Welcome,
)
from kiosk.service.client import SignatureService
from kiosk.settings import ServiceAddress, Settings
from kiosk.support import LOG_BYTES, NAME, Supported, hand_over, make_bundle, packages, sticks
from kiosk.till.nexo.keys import add_key
from protocol.capture import Burst, Frame
from protocol.fleet import SupportBundle
from protocol.messages import ProblemType
from tests.support.canned import CannedService, Reply, problem
from tests.support.clocks import HurriedClock
from tests.support.scripted import WAITS, Line, typed
from tests.support.sealed import sealed
from tests.support.stand import MakeStand
from tests.support.traces import traces_in

pytestmark = pytest.mark.anyio

PIN = "739182"
NUMBER = "2025550123"
CODE = "481516"
NAME_HINT = "Zebedee Quillfeather"
PICTURE = b"\xff\xd8\xff\xe0\x00\x10JFIF a picture of a palm " + os.urandom(48) + b"\xff\xd9"
TEMPLATE = os.urandom(96)
PASSWORD = "camera-password-of-the-shop"
FAULT = Check(Part.CAMERA, Health.BROKEN, Finding.FAULT, ("Unplugged.", "Plug it in."))
SENT = "PUT /device/support-bundle"
TAKES = {SENT: Reply(204, b"")}


def palm() -> Burst:
    return Burst([Frame(0, bytearray(PICTURE))])


@pytest.fixture
def supported(service: SignatureService, tmp_path: Path) -> Supported:
    return Supported(Settings(state=tmp_path), service, HurriedClock(), Lately())


def mounted(tmp_path: Path, *points: Path | str) -> Path:
    file = tmp_path / "mounts"
    blanks = (str(point).replace(" ", "\\040") for point in points)
    file.write_text("".join(f"/dev/sda1 {point} vfat rw 0 0\n" for point in blanks))
    return file


async def test_a_bundle_holds_nothing_of_anybody_who_was_there_and_no_secret(
    stand: MakeStand,
    canned: CannedService,
    terminal: SimulatedTerminal,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    canned.will(SENT, TAKES[SENT])
    script: list[Line] = [
        (Welcome, Choice.SIGN_UP),
        (AskConsent, Choice.AGREE),
        (EnterPhone, typed(NUMBER)),
        (EnterCode, typed(CODE)),
        (PresentCard, WAITS),
        (HoldPalm, palm),
        (OfferSecondPalm, Choice.SKIP),
        (SignedUp, Choice.DONE),
        # Something unexpected, whose message quotes what was typed.
        (Welcome, Choice.TRY_PURCHASE),
        (HoldPalm, palm),
        (ConfirmPurchase, ValueError(f"{NAME_HINT}, {NUMBER}, {CODE}")),
        (Trouble, Choice.DONE),
        (Welcome, Choice.STAFF),
        (EnterPin, typed(PIN)),
        (EnterPin, typed(PIN)),
        (Maintenance, Choice.ABOUT),
        (About, Choice.MAKE_BUNDLE),
        (About, Choice.BACK),
        (Maintenance, Choice.BACK),
        (Welcome, WAITS),
    ]
    here = stand(*script)
    secrets = Settings(
        state=tmp_path,
        camera=f"rtsp://admin:{PASSWORD}@camera.local/stream",
        service=ServiceAddress(url=f"https://{PASSWORD}:x@palms.example.com:7256"),
        name=NAME_HINT,
        merchant="Palm Market",
    )
    here.kiosk.settings = secrets.model_copy(update={"camera": "sim:"})
    here.kiosk.service.identity.keep()
    (tmp_path / "hand.jpg").write_bytes(PICTURE)
    (tmp_path / "venue").mkdir()
    (tmp_path / "venue" / "peers.key").write_bytes(TEMPLATE)
    key = add_key(sealed(tmp_path / "till-keys.toml"), "till")
    await here.play()

    lately = here.kiosk.lately
    for record in caplog.records:
        if record.levelno >= lately.level:
            lately.handle(record)
    # Mistakes that nobody has made yet.
    ours = logging.getLogger("kiosk.visits.enrol")
    for values in (NUMBER, int(NUMBER), CODE, int(CODE), NAME_HINT, PICTURE, ValueError(NUMBER)):
        lately.handle(ours.makeRecord(ours.name, 40, "", 0, "leaks %s", (values,), None))
        lately.handle(ours.makeRecord(ours.name, 40, "", 0, "leaks %r", (values,), None))
        lately.handle(ours.makeRecord(ours.name, 40, "", 0, "leaks %d", (values,), None))
    lately.handle(ours.makeRecord(ours.name, 40, "", 0, "leaks %(a)s", ({"a": NUMBER},), None))
    foreign = logging.getLogger(f"asyncio.{NAME_HINT}")
    lately.handle(foreign.makeRecord(foreign.name, 40, "", 0, f"{NUMBER} {NAME_HINT}", (), None))
    try:
        raise ValueError(f"{NUMBER} {NAME_HINT}")
    except ValueError as error:
        failed = (type(error), error, error.__traceback__)
        lately.handle(ours.makeRecord(ours.name, 40, "", 0, "failed", (), failed))

    whole = Supported(secrets, here.kiosk.service, here.clock, lately)
    said = Check(Part.SERVICE, Health.BROKEN, Finding.SERVICE_FAILED, (f"{NUMBER} is no number",))
    answered = Check(
        Part.SERVICE, Health.BROKEN, Finding.OFFLINE, ("other", secrets.service.url or "", "now")
    )
    content = make_bundle(whole, [FAULT, said, answered]).model_dump_json(indent=1).encode()

    identity = here.kiosk.service.identity
    hashed: str = json.loads(sealed(tmp_path / "staff.json").read() or b"")["hash"]
    seeds = {
        "number": NUMBER.encode(),
        "key of the state": here.kiosk.state.files.key,
        "code": CODE.encode(),
        "pin": PIN.encode(),
        "hash of the pin": hashed.encode()[-40:],
        "name": NAME_HINT.encode(),
        "first name": NAME_HINT.split(maxsplit=1)[0].encode(),
        "token": (await terminal.read_card()).token.encode(),
        "picture": PICTURE,
        "template": TEMPLATE,
        "password": PASSWORD.encode(),
        "key": identity.key.private_bytes_raw(),
        "key of tills": key.passphrase.encode(),
    }
    sent = canned.requests(SENT)[0].body
    assert traces_in(content, seeds) == []
    assert traces_in(sent, seeds) == []
    assert traces_in((tmp_path / NAME).read_bytes(), seeds) == []
    bundle = SupportBundle.model_validate_json(content)
    assert "kiosk.app: a visit failed with ValueError" in "\n".join(bundle.log)
    assert "kiosk.visits.enrol: leaks …" in "\n".join(bundle.log)
    assert "another program: …" in "\n".join(bundle.log)
    assert bundle.checks[2].values == ["other", "https://palms.example.com:7256", "now"]


def test_the_search_finds_a_seed_in_every_form() -> None:
    seed = {"name": NAME_HINT.encode(), "picture": PICTURE}
    for name, secret in seed.items():
        for before in ("", "x", "xy"):
            whole = before.encode() + secret + b"z"
            for form in (whole, b64encode(whole), whole.hex().upper().encode()):
                assert traces_in(b"{" + form + b"}", {name: secret}) == [name]
    assert traces_in(b"nothing of it", seed) == []


async def test_a_bundle_tells_what_helps(supported: Supported) -> None:
    supported.lately.handle(
        logging.LogRecord("kiosk.app", logging.WARNING, "", 0, "%d of %s", (3, Part.TILL), None)
    )
    bundle = make_bundle(supported, [FAULT])
    assert bundle.checks[0].values == ["Unplugged.", "Plug it in."]
    assert bundle.log[0].endswith("WARNING kiosk.app: 3 of till")
    assert bundle.settings["camera"] == "sim"
    assert bundle.settings["service"] == "embedded"
    assert bundle.settings["patience.idle_s"] == 40
    assert min(bundle.disk_mb, bundle.memory_mb, bundle.memory_free_mb) > 0


async def test_a_bundle_is_never_too_large_for_the_service(supported: Supported) -> None:
    for _ in range(2 * LINES):
        supported.lately.handle(
            logging.LogRecord("kiosk.app", 40, "", 0, "%s", (Impersonal("\u20ac" * 5000),), None)
        )
    bundle = make_bundle(supported, [FAULT] * 40)
    assert 0 < len(bundle.log) < LINES
    assert sum(len(line.encode()) for line in bundle.log) <= LOG_BYTES
    assert len(bundle.model_dump_json()) < 64 * 1024


async def test_a_bundle_is_kept_and_sent_and_copied_to_a_stick(
    supported: Supported, canned: CannedService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.support.STICKS", (f"{tmp_path}/media/",))
    stick = tmp_path / "media" / "MY STICK"
    stick.mkdir(parents=True)
    canned.will(SENT, TAKES[SENT])
    mounts = mounted(tmp_path, "/", stick, "/home")
    told = await hand_over(supported, [FAULT], mounts)
    assert told == Bundle(str(tmp_path / NAME), (str(stick / NAME),), sent=True)
    assert (stick / NAME).read_bytes() == (tmp_path / NAME).read_bytes()
    kept = SupportBundle.model_validate_json((stick / NAME).read_bytes())
    assert SupportBundle.model_validate_json(canned.requests(SENT)[0].body) == kept


async def test_what_does_not_succeed_is_told(
    supported: Supported, canned: CannedService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canned.will(SENT, problem(ProblemType.TOO_MANY_ATTEMPTS, 429))
    monkeypatch.setattr("kiosk.support.STICKS", (f"{tmp_path}/gone/",))
    (tmp_path / NAME).mkdir()
    (tmp_path / "gone").write_text("a stick that was pulled out")
    mounts = mounted(tmp_path, tmp_path / "gone" / "stick")
    assert await hand_over(supported, [FAULT], mounts) == Bundle(None, (), sent=False)


def test_a_mount_whose_name_is_no_text_keeps_no_bundle_from_the_others(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_bytes(b"/dev/sda1 /media/caf\xe9 vfat rw 0 0\n/dev/sdb1 /media/A vfat rw 0 0\n")
    assert sticks(mounts) == [Path("/media/caf\ufffd"), Path("/media/A")]


def test_only_what_is_plugged_in_is_a_stick(tmp_path: Path) -> None:
    mounts = mounted(tmp_path, "/", "/home", "/media/A B", "/run/media/me/C", "/mediax/D")
    assert sticks(mounts) == [Path("/media/A B"), Path("/run/media/me/C")]
    assert sticks(tmp_path / "nowhere") == []


def test_every_package_is_told_with_its_version_and_nearly_every_with_its_licence() -> None:
    parts = {part.name: part for part in packages()}
    assert parts["PySide6_Essentials"].licence.startswith("LGPL")
    assert parts["numpy"].version
    unnamed = [part.name for part in parts.values() if not part.licence]
    assert len(unnamed) <= len(parts) // 10, unnamed
