"""The messages by which an operator looks after kiosks from afar: nothing in them is about people.

What a kiosk tells is bounded, and made of what a program knows of itself; how it leaves out
everything else is in `kiosk.support`.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StringConstraints

from protocol.messages import MOST_MINOR, Base64, Currency, Identifier, Message, Moment

Words = Annotated[str, StringConstraints(max_length=500)]
Variant = Literal["dark", "light"]
"""The colours of a kiosk: for a dark or a light counter."""
LogLine = Annotated[str, StringConstraints(max_length=2000)]
Count = Annotated[StrictInt, Field(ge=0, le=10**9)]
Minor = Annotated[StrictInt, Field(ge=0, le=MOST_MINOR)]


class FoundLine(Message):
    """One line of a kiosk's self-test, in the words of `kiosk.screens.Check`."""

    part: Words
    health: Words
    finding: Words
    values: list[Words | StrictFloat] = Field(default=[], max_length=8)


class SupportBundle(Message):
    """What those who help staff need to know of a kiosk. It is a file, too."""

    made_at: Moment
    version: Words
    device_id: Identifier | None
    """None when the kiosk has not been activated."""
    system: dict[Words, Words] = Field(max_length=8)
    """The operating system and Python."""
    running_s: Count
    disk_free_mb: Count
    disk_mb: Count
    memory_mb: Count
    """Of the kiosk's process."""
    memory_free_mb: Count
    """Of the machine."""
    settings: dict[Words, Words | StrictBool | StrictFloat] = Field(max_length=64)
    """Of devices the kind, of the service the host; names, paths and secrets are left out."""
    checks: list[FoundLine] = Field(max_length=64)
    log: list[LogLine] = Field(max_length=400)
    """The latest lines, the oldest first."""


class Fault(Message):
    """What is not well at a kiosk, in the words of `kiosk.screens.Check`."""

    part: Words
    health: Words
    finding: Words


class Report(Message):
    """What a kiosk tells of itself every minute."""

    version: Words
    running_s: Count
    disk_free_mb: Count
    memory_mb: Count
    visits: Count
    """How many visits it has made since its start."""
    troubles: Count
    """How many of them something has ended."""
    faults: list[Fault] = Field(max_length=32)
    orders: Annotated[StrictInt, Field(ge=0, lt=2**53)]
    """The number of the orders that are in force; 0 for none."""
    tampering: Words | None = None
    """The sign of tampering for which the kiosk has locked itself and destroys its keys now: it is
    the last that is heard of this device. None without one."""


PNG = "image/png"
MAX_PICTURE = 3 * 2**20
"""The largest picture for kiosks, in bytes."""
MAX_SIDE = 1280
"""Its longest side, in pixels."""
MAX_ATTRACT = 6
"""The number of pictures, besides the logo: with it at most 21 MiB at a kiosk."""


class Picture(Message):
    """A picture that a kiosk shows, which it fetches by its digest."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[StrictInt, Field(ge=1, le=MAX_PICTURE)]
    """In bytes."""
    media_type: Literal["image/png"] = PNG
    """One kind alone: a kiosk has to have no reader of others."""


class Logo(Picture):
    """The merchant's logo."""

    ink: Variant | None = None
    """Whether what it draws is dark or light, where its ground is transparent."""


Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]


class Accents(Message):
    """The merchant's own colour in the place of the kiosk's green. Each is one that can be seen on
    every ground of its variant (`cloud.fleet.colours`)."""

    light: Colour | None = None
    dark: Colour | None = None

    def on(self, variant: Variant) -> str | None:
        """Returns the colour for a variant; None for the kiosk's own."""
        return self.light if variant == "light" else self.dark


class Amounts(Message):
    """What the merchant and the site demand of a payment, beside what the service demands of all
    (`protocol.messages.ServiceInfo`), in the minor unit of a currency."""

    currency: Currency
    pulse_above: Minor | None = None
    """The amount above which a palm pays only with its pulse."""
    staff_above: Minor | None = None
    """The amount above which staff have to see the hand."""
    unconfirmed_below: Minor | None = None
    """The amount below which a recognised palm pays without a touch; None for what the kiosk's own
    settings say."""


class Orders(Message):
    """What the operator has told a kiosk: one document that the service signs
    (`protocol.documents`) and numbers, so that it is kept and none of before takes its place."""

    kind: Literal["orders for a kiosk"] = "orders for a kiosk"
    """Nothing else that is signed with the same key has this member."""
    device_id: Identifier
    number: Annotated[StrictInt, Field(ge=1, lt=2**53)]
    """Rises with every change."""
    merchant: Annotated[str, StringConstraints(min_length=1)]
    """What shoppers read."""
    variant: Variant | None
    """The colours; None for what the kiosk's own settings say."""
    accents: Annotated[Accents | None, Field(exclude_if=lambda accents: accents is None)] = None
    """None for the kiosk's own colours."""
    volume: Annotated[StrictInt, Field(ge=0, le=100)] | None
    """Of the loudspeaker, in percent; None for all of it."""
    hours: str
    """When shoppers may begin something, as `protocol.hours` reads it; empty for always."""
    zone: str
    """The time zone of the hours, a name of the IANA database."""
    holidays: list[date] = Field(max_length=400)
    """The days on which it is closed."""
    helpline: Annotated[str, StringConstraints(max_length=80)]
    """Whom people call when the kiosk is out of service, in the operator's words: a name, a number;
    empty for nobody."""
    # Left out where there is none: what was signed before they were thought of still counts.
    logo: Annotated[Logo | None, Field(exclude_if=lambda logo: logo is None)] = None
    """Shown in the place of the merchant's name."""
    attract: Annotated[
        list[Picture], Field(max_length=MAX_ATTRACT, exclude_if=lambda pictures: not pictures)
    ] = Field(default=[])
    """Shown by turns while nobody touches the welcome screen."""
    amounts: Annotated[Amounts | None, Field(exclude_if=lambda amounts: amounts is None)] = None
    """None where they demand nothing."""
    locked: bool
    """Whether nothing can be done at the kiosk until it is activated again."""
    restart: Count
    """Names the latest demand to start again, which is obeyed once; 0 without one."""
    key_id: str
    public_key: Base64
    signature: Base64 | Literal[""] = ""

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All of them, the logo first."""
        return (*([] if self.logo is None else [self.logo]), *self.attract)
