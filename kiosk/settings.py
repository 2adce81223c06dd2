"""The settings of a kiosk and where they come from.

Sources, the strongest first: the command line (`--camera rtsp://…`), the environment
(`PALM_KIOSK_CAMERA=…`), the settings file (`settings.toml` in the state folder, or `--settings
FILE`), and the defaults here, which make a complete kiosk without any hardware.
"""

import os
import tomllib
from collections.abc import Sequence
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_state_path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from kiosk.faults import CannotStart
from protocol.currency import exponent_of
from protocol.program import KIOSK


def _known_currency(code: str) -> str:
    if exponent_of(code) is None:
        raise ValueError(f"{code} is not a currency of ISO 4217")
    return code


CurrencyCode = Annotated[str, AfterValidator(_known_currency)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class Patience(BaseModel):
    """How long the kiosk waits for people, in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    idle_s: Seconds = 40
    """How long without a touch or a palm until a visit is given up."""
    message_s: Seconds = 120
    """How long until a visit is given up while a shopper waits for the message with the code or for
    staff, saves a card by phone, or pays with a card at the terminal."""
    warning_s: Seconds = 10
    """How long of that time the warning counts down."""
    result_s: Seconds = 4
    """How long a result is shown that leaves nothing to choose."""

    @model_validator(mode="after")
    def _warned_within_the_idle_time(self) -> "Patience":
        if self.warning_s >= min(self.idle_s, self.message_s):
            raise ValueError("warning_s must be less than idle_s and message_s")
        return self


class ServicePatience(BaseModel):
    """How long the kiosk waits for the service, in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    connect_s: Seconds = 2
    """For a connection."""
    answer_s: Seconds = 6
    """For the answer to one attempt."""
    deadline_s: Seconds = 10
    """For an answer, all attempts together."""
    purchase_deadline_s: Seconds = 30
    """For the answer to a purchase or a refund, all attempts together."""
    first_pause_s: Seconds = 0.2
    """The longest pause before the second attempt."""
    longest_pause_s: Seconds = 3
    """The longest pause before any attempt."""
    health_s: Seconds = 10
    """Between two checks whether the service answers."""


class GatePatience(BaseModel):
    """How long a gate waits for its venue's pretix, and keeps what it has read, in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    answer_s: Annotated[float, Field(gt=0, le=30)] = 1
    """For the answer about somebody who waits at the gate, all attempts together. Then the
    downloaded list decides."""
    probe_s: Seconds = 3
    """Between two checks whether pretix answers."""
    refresh_s: Seconds = 300
    """Between two downloads of the list."""
    list_s: Annotated[float, Field(gt=0, le=7 * 86400)] = 4 * 3600
    """How long a downloaded list is kept in memory, and decides."""


class GatePeers(BaseModel):
    """The other gates of the venue, which are asked while pretix is away. Their common key is in
    venue/peers.key in the state folder."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    others: list[Annotated[str, Field(pattern=r"^[0-9a-fA-F.:\[\]]+:[0-9]{1,5}$")]] = Field(
        min_length=1
    )
    """The IP addresses and ports of the others: ["192.168.1.21:7292"]."""
    host: str = "0.0.0.0"  # noqa: S104 - the others stand on other machines
    """The address to listen on; all of this machine's by default."""
    port: int = Field(default=7292, ge=1, le=65535)
    """The UDP port to listen on."""


class VenueGateSettings(BaseModel):
    """A gate of a venue whose tickets are in pretix (docs/integrations/venue.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    ca: Path | None = None
    """PEM file of the only authority to trust at pretix; left out, those of the system."""
    gates: dict[int, str] = {}
    """The names of the other gates by their number in pretix: {8 = "Gate B"}."""
    patience: GatePatience = GatePatience()
    peers: GatePeers | None = None
    """The other gates; left out, this one asks none."""


class ServiceAddress(BaseModel):
    """The address of a service that runs elsewhere. Without a URL the kiosk embeds its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    url: str | None = Field(default=None, pattern=r"^https://\S+$")
    """The service's address; left out, a service is embedded."""
    ca: Path | None = None
    """PEM file of the only authority to trust; left out, those of the system."""


class Updates(BaseModel):
    """Where newer versions of the program come from (docs/updates.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    url: str = Field(pattern=r"^https?://\S+$")
    """The address of the operator's repository, or of a mirror of it: what comes from there is
    believed because it is signed."""
    root: Path
    """The file with the operator's root keys, root.json, which was brought here by hand."""
    between: tuple[time, time] | None = None
    """The hours, of this machine's clock, in which a newer version may be tried: ["02:00",
    "05:00"]. Left out, it is tried whenever nobody has been there for ten minutes."""


class OdooBox(BaseModel):
    """The door of Odoo's point of sale (docs/integrations/odoo.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    origins: list[Annotated[str, Field(pattern=r"^https?://[^/\s]+$")]] = Field(min_length=1)
    """Where the pages come from that may ask, such as https://shop.example: no other may."""
    host: str = "127.0.0.1"
    """The address to listen on. On any other than this machine's own the door speaks TLS with the
    certificate of the kiosk's door."""
    port: int = Field(default=8069, ge=0, le=65535)
    """The port to listen on."""


class TillDoor(BaseModel):
    """The door by which tills reach the kiosk (docs/integrations/till.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    host: str = "0.0.0.0"  # noqa: S104 - a till stands on another machine
    """The address to listen on; all of this machine's by default."""
    port: int = Field(default=8443, ge=0, le=65535)
    """The port to listen on."""
    name: str = Field(default="palm-kiosk", min_length=1, max_length=64)
    """The common name of the certificate, which some tills' libraries compare."""
    unencrypted: bool = False
    """Answers messages outside the encrypted envelope, too. TLS still protects them on their way,
    but anybody on the network may send them."""
    through_service: bool = False
    """Also takes messages of tills that send them to the service, which has checked their key."""
    tips: tuple[Annotated[int, Field(ge=1, le=50)], ...] = Field(default=(), max_length=4)
    """Tips that the shopper can choose from, in percent of the amount: [5, 10, 15]. Left out, no
    tip is asked for."""
    events: str | None = Field(default=None, pattern=r"^https?://\S+$")
    """The address at which the till hears events, such as a call for staff."""
    events_ca: Path | None = None
    """PEM file of the only authority to trust at that address; left out, those of the system."""
    callback: bool = False
    """Takes the address for events from the header X-Callback-Url of unencrypted messages, if it is
    on the machine that has sent the message."""
    odoo: OdooBox | None = None
    """A second door, for Odoo's point of sale; left out, there is none."""


def default_state() -> Path:
    """Returns the user's state folder, as the XDG base directory specification defines it. Raises
    CannotStart for a user without a home directory."""
    try:
        return user_state_path("palm-kiosk")
    except RuntimeError:
        raise CannotStart(
            "This user has no home directory for the state folder.",
            "Set HOME, or name a state folder with --state.",
        ) from None


class Settings(BaseSettings):
    """All settings of the kiosk: on the command line, in settings.toml or as PALM_KIOSK_…

    Instead of opening the kiosk, `--self-test` says whether the program is whole and takes these
    settings, and `staff`, `till`, `key`, `password` and `venue` are commands of its operator, each
    with --help.
    """

    model_config = SettingsConfigDict(
        env_prefix="PALM_KIOSK_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        cli_prog_name=KIOSK,
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
    )

    settings: Path | None = None
    """The settings file; left out, settings.toml in the state folder."""
    state: Path = Field(default_factory=default_state)
    """The folder for everything that outlives a restart."""
    camera: str = "sim:shopper"
    """v4l2:/dev/v4l/by-id/…, http://…, rtsp://…, replay:… or sim:shopper; with rotate=90, 180 or
    270 and mirror=1 for a camera that does not stand upright."""
    infrared: str | None = None
    """A second camera for 850 nm beside the first (docs/near-infrared.md): as for camera, or sim:
    beside a simulated one."""
    light: str = "sim:"
    """The light ring: serial:/dev/ttyACM0, none:, or sim:, which lights simulated hands only."""
    terminal: str = "sim:"
    """The card terminal: stripe:tmr_… for a reader of Stripe's, sim:, or none:, where shoppers save
    their card with their own phone."""
    enclosure: str | None = None
    """The contact that tells that the enclosure was opened:
    hwmon:/sys/class/hwmon/hwmon0/intrusion0_alarm, or sim:; left out, there is none."""
    usb: str | None = None
    """Where is looked for devices that do not belong to the kiosk: sysfs: for this machine's USB,
    or sim:; left out, nobody looks."""
    gate: str | None = None
    """The gate or the door that the kiosk stands at: osdp:/dev/ttyUSB0, wiegand:/dev/ttyACM0,
    relay:/dev/ttyACM0, sim:, sim:release, or none: at a desk (docs/integrations/door.md); left out,
    people sign up and pay here."""
    sound: str = "none:"
    """The loudspeaker on which a gate's answers are heard: alsa:default, sim:, or none:."""
    tpm: str | None = None
    """The TPM that seals the kiosk's keys: device:/dev/tpmrm0, with pcrs=7 for the registers that
    have to stay as they are (docs/operating.md), or none:; left out, /dev/tpmrm0 if it can be used,
    and otherwise a file."""
    till: TillDoor | None = None
    """The door for tills; left out, a simulated till rings up sales."""
    venue: VenueGateSettings | None = None
    """The gate of a venue; left out, the kiosk stands at none."""
    updates: Updates | None = None
    """Where newer versions come from; left out, from packages alone."""
    service: ServiceAddress = ServiceAddress()
    unconfirmed_below: dict[CurrencyCode, Annotated[int, Field(gt=0)]] = {}
    """The amount below which a recognised palm pays without a touch, in the minor unit of each
    currency: {USD = 2500} for 25 dollars. The shopper can cancel for 3 seconds. In currencies that
    are left out every payment is confirmed."""
    memberships: bool = False
    """Lets shoppers link their membership card of this merchant to their palm."""
    name: str = Field(default="Kiosk", min_length=1, max_length=64)
    """The name by which the service's operator knows this kiosk."""
    merchant: str = Field(default="Palm Market", min_length=1)
    """The merchant's name until the service tells it."""
    variant: Literal["dark", "light"] = "light"
    """The colours: for a dark or a light counter."""
    rotation: Literal[0, 90, 180, 270] = 0
    """By how many degrees the picture is turned clockwise on the monitor, and the touch screen with
    it, in full screen on an X server without a window manager."""
    windowed: bool = False
    """Opens a window instead of filling the screen."""
    reduced_motion: bool = False
    """Turns animations off."""
    dock: bool = False
    """Opens the development dock beside the kiosk."""
    patience: Patience = Patience()
    service_patience: ServicePatience = ServicePatience()

    @classmethod
    def load(cls, arguments: Sequence[str]) -> "Settings":
        """Returns the settings of all sources; `arguments` are those of the command line.

        Raises CannotStart. Wrong arguments print the usage and raise SystemExit(2), as argparse
        does.
        """
        given: dict[str, Any] = {}

        class Given(cls):
            __doc__ = cls.__doc__

            @model_validator(mode="before")
            @classmethod
            def _note(cls, values: dict[str, Any]) -> dict[str, Any]:
                given.update(values)
                return values

        try:
            return Given(_cli_parse_args=list(arguments))  # pyright: ignore[reportCallIssue]
        except ValidationError as wrong:
            faults = [
                (
                    f"The setting '{'.'.join(map(str, fault['loc']))}' cannot be used: "
                    f"{fault['msg'].removeprefix('Value error, ')}.",
                    "Correct it, or take it out to have the default; --help describes every "
                    "setting.",
                )
                for fault in wrong.errors(include_input=False, include_url=False)
            ]
        texts = {name: text for name, text in given.items() if isinstance(text, str)}
        raise CannotStart.for_all(faults + wrong_devices(cls.model_construct(None, **texts)))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _SettingsFile(settings_cls)


def wrong_devices(settings: Settings) -> list[tuple[str, str]]:
    """Returns causes and remedies of wrong device addresses. No device is opened."""
    # Only here, because it takes longer than showing the window.
    from hardware.faults import BadAddress  # noqa: PLC0415
    from hardware.tpm import tpm_at  # noqa: PLC0415
    from kiosk.devices import WrongDevices, attach  # noqa: PLC0415
    from protocol.sealed import SealedPath  # noqa: PLC0415

    faults: list[tuple[str, str]] = []
    try:
        tpm_at(settings.tpm)
    except BadAddress as wrong:
        faults = [(wrong.cause, wrong.remedy)]
    # Addresses are looked at, and nothing is opened.
    unopened = SealedPath(settings.state, b"")
    try:
        attach(
            settings.camera,
            settings.infrared,
            settings.light,
            settings.terminal,
            enclosure=settings.enclosure,
            usb=settings.usb,
            gate=None if settings.gate is None else (settings.gate, unopened),
            sound=settings.sound,
        )
    except WrongDevices as wrong:
        faults += [(fault.cause, fault.remedy) for fault in wrong.faults]
    return faults


class _SettingsFile(PydanticBaseSettingsSource):
    """The settings file that stronger sources name, or the one in the state folder."""

    def get_field_value(self, field: object, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError("the file is read whole")

    def __call__(self) -> dict[str, Any]:
        named = self.current_state.get("settings")
        state = Path(self.current_state.get("state") or default_state())
        path = Path(named) if named else state / "settings.toml"
        if not named and not os.path.lexists(path):
            return {}
        try:
            content = path.read_text(encoding="utf-8")
            if not content.strip():
                raise CannotStart(
                    f"The settings file {path} is empty.",
                    "Restore it, or remove it to start with the defaults.",
                )
            return tomllib.loads(content)
        except OSError as error:
            raise CannotStart(
                f"The settings file {path} cannot be read: {error.strerror}.",
                "Name another with --settings, or correct its permissions.",
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise CannotStart(
                f"The settings file {path} is damaged: {error}.",
                "Correct it, or move it away to start with the defaults.",
            ) from None
