"""What a controller has its reader show and sound, for whoever draws it on the kiosk's screen, and
how its line stands."""

from dataclasses import dataclass
from enum import StrEnum

from hardware.faults import DeviceFault


class Color(StrEnum):
    NONE = "none"
    RED = "red"
    GREEN = "green"
    AMBER = "amber"
    BLUE = "blue"
    MAGENTA = "magenta"
    CYAN = "cyan"
    WHITE = "white"


@dataclass(frozen=True, slots=True)
class Lamp:
    """The reader's light: `color` for `on_s` seconds, `between` for `off_s`, and so on. It is
    steady where one of the two is 0."""

    color: Color
    between: Color
    on_s: float
    off_s: float
    lasts_s: float | None
    """Seconds after which the light is again as it was told to be for good; None is for good."""

    @property
    def tells(self) -> Color:
        """The colour that the light means."""
        return self.color if self.on_s > 0 else self.between


@dataclass(frozen=True, slots=True)
class LampAsBefore:
    """The light is at once as it was told to be for good."""


@dataclass(frozen=True, slots=True)
class Buzzer:
    """A tone of `on_s` seconds and a pause of `off_s`, repeated `times` times; with 0 times it
    goes on until the next cue. Without `tone` it is silence, which ends what sounds."""

    tone: bool
    on_s: float
    off_s: float
    times: int


@dataclass(frozen=True, slots=True)
class Words:
    """Words of the controller, at most 32 characters, at a place that counts from 1."""

    text: str
    row: int
    column: int
    lasts_s: float | None
    """Seconds, None until other words come."""


@dataclass(frozen=True, slots=True)
class Output:
    """A contact of the reader: the kiosk has one, which its light and screen may follow."""

    on: bool
    lasts_s: float | None


@dataclass(frozen=True, slots=True)
class LineStands:
    """The line is lost, which `fault` tells, or there again."""

    fault: DeviceFault | None


Cue = Lamp | LampAsBefore | Buzzer | Words | Output | LineStands
