"""What can be set about a kiosk, and where it is set.

Stronger first: the command line (`--camera v4l2:/dev/video0`), the environment
(`PALM_KIOSK_CAMERA=…`), the settings file (`settings.toml` in the state folder, or `--settings
FILE`), and the defaults here, which make a whole kiosk with nothing attached.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_state_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from kiosk.faults import CannotStart

Seconds = Annotated[float, Field(gt=0, le=3600)]


class Patience(BaseModel):
    """How long the kiosk waits for people, in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    idle_s: Seconds = 40
    """Without a touch or a palm, until a visit is given up."""
    warning_s: Seconds = 10
    """Of those, how long the warning counts down."""

    @model_validator(mode="after")
    def _warned_within_the_idle_time(self) -> "Patience":
        if self.warning_s >= self.idle_s:
            raise ValueError("warning_s must be less than idle_s")
        return self


class ServicePatience(BaseModel):
    """How long the kiosk waits for the service, in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    connect_s: Seconds = 2
    """For a connection."""
    answer_s: Seconds = 6
    """For the answer to one attempt."""
    deadline_s: Seconds = 10
    """For an answer at all, all attempts together."""
    purchase_deadline_s: Seconds = 30
    """The same, for a purchase."""
    first_pause_s: Seconds = 0.2
    """The longest pause before the second attempt."""
    longest_pause_s: Seconds = 3
    """The longest pause before any attempt."""
    health_s: Seconds = 10
    """Between two looks at whether the service is there."""


class ServiceAddress(BaseModel):
    """A service that runs elsewhere. Without it the kiosk embeds its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    url: str | None = Field(default=None, pattern=r"^https://\S+$")
    """Where it is; left out, one is embedded."""
    ca: Path | None = None
    """PEM file of the only authority to trust; left out, the system's."""


def default_state() -> Path:
    """Returns the user's folder for it, as the XDG base directory specification has it."""
    return user_state_path("palm-kiosk")


class Settings(BaseSettings):
    """Everything that can be set about the kiosk, here, in settings.toml or as PALM_KIOSK_…"""

    model_config = SettingsConfigDict(
        env_prefix="PALM_KIOSK_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        cli_prog_name="./run kiosk",
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
    )

    settings: Path | None = None
    """The settings file; left out, settings.toml in the state folder."""
    state: Path = Field(default_factory=default_state)
    """The folder of all that outlives a restart."""
    camera: str = "sim:shopper"
    """v4l2:/dev/video0, http://…, rtsp://…, replay:… or sim:shopper."""
    infrared: str | None = None
    """A second camera beside the first that sees 850 nm (docs/near-infrared.md): as for camera, or
    sim: beside a simulated one."""
    light: str = "sim:"
    """The light ring: serial:/dev/ttyACM0, none:, or sim:, which lights a simulated hand alone."""
    terminal: str = "sim:"
    """The card terminal."""
    service: ServiceAddress = ServiceAddress()
    name: str = Field(default="Kiosk", min_length=1, max_length=64)
    """What the service's operator knows this kiosk by."""
    merchant: str = Field(default="Palm Market", min_length=1)
    """Shown until the service says whose kiosk it is."""
    variant: Literal["dark", "light"] = "light"
    """The counter it stands on."""
    windowed: bool = False
    """Opens an ordinary window instead of filling the screen."""
    reduced_motion: bool = False
    """Screens change at once, and nothing moves by itself."""
    dock: bool = False
    """Opens the development dock beside the kiosk."""
    patience: Patience = Patience()
    service_patience: ServicePatience = ServicePatience()

    @classmethod
    def load(cls, arguments: Sequence[str]) -> "Settings":
        """From everywhere, `arguments` being the command line's. Raises CannotStart; wrong
        arguments print the usage and raise SystemExit(2), as argparse has it."""
        try:
            return cls(_cli_parse_args=list(arguments))  # pyright: ignore[reportCallIssue]
        except ValidationError as wrong:
            first = wrong.errors(include_input=False, include_url=False)[0]
            name = ".".join(str(part) for part in first["loc"])
            raise CannotStart(
                f"The setting '{name}' cannot be used: {first['msg']}.",
                "Correct it, or take it out to have the default; --help describes every setting.",
            ) from None

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


class _SettingsFile(PydanticBaseSettingsSource):
    """The file that the stronger sources name, or the one in the state folder they name."""

    def get_field_value(self, field: object, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError("the file is read whole")

    def __call__(self) -> dict[str, Any]:
        named = self.current_state.get("settings")
        state = Path(self.current_state.get("state") or default_state())
        path = Path(named) if named else state / "settings.toml"
        if not named and not path.exists():
            return {}
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
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
