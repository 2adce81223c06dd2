"""Every screen in every state with example values, for the tour, the preview and the tests."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np

from drawn import Drawing, Presentation, draw, identity
from hardware.gate import Color
from kiosk.capture.guidance import Guidance, Instruction
from kiosk.qr_code import qr_code
from kiosk.screens import (
    About,
    AgeNotSeen,
    AgreementEnded,
    AlreadyKnown,
    Answered,
    Approved,
    AskAccess,
    AskConsent,
    AskMerchantConsent,
    AskToKeep,
    AtGate,
    Bill,
    Bundle,
    CardProblem,
    Check,
    CheckInList,
    ChooseDeletion,
    ChooseList,
    ChooseProof,
    ChooseTip,
    Collected,
    ConfirmAge,
    ConfirmByPhone,
    ConfirmDelete,
    ConfirmHand,
    ConfirmPurchase,
    Declined,
    Deleted,
    EnterActivationCode,
    EnterBegun,
    EnterCode,
    EnterMembership,
    EnterPhone,
    EnterPin,
    EnterStaffNumber,
    EntryProblem,
    Figure,
    Finding,
    Frozen,
    GateAnswer,
    GateNotice,
    GateShut,
    Health,
    Heard,
    Help,
    HoldPalm,
    Indicated,
    InvitedToSignUp,
    Item,
    Known,
    Logo,
    Loss,
    Maintenance,
    MembershipChanged,
    MembershipProblem,
    NoKeys,
    NoMembership,
    NotCharged,
    Notice,
    NotRecognised,
    Observed,
    OfferSecondPalm,
    OutOfService,
    Package,
    PalmReaderLost,
    Part,
    PayAnotherWay,
    PayWithCard,
    Points,
    PresentCard,
    QuestionAnswered,
    Recognised,
    SaveCardByPhone,
    ScanActivationCode,
    ScanBegun,
    ScanDevice,
    ScanMembership,
    ScanTicket,
    Screen,
    ShowCard,
    ShowCards,
    ShowDocument,
    ShowHand,
    ShowMembership,
    SignedUp,
    StaffCalled,
    StaffShut,
    StepUp,
    StillThere,
    TillDigits,
    TillMenu,
    TillMessage,
    TillQuestion,
    Trouble,
    TroubleKind,
    VenueProblem,
    Welcome,
    Work,
    Working,
)
from kiosk.service.errors import Cause
from palm.hand.landmarks import Side as HandSide
from protocol.messages import (
    Age,
    Card,
    ConsentSection,
    ConsentText,
    Direction,
    Holdings,
    Money,
    Purpose,
    ReaderFault,
    Side,
)

SHOP = "Corner Market"
WORKS = "Northern Works"
"""The site of the examples in which the site's controller shows something."""
LONG_SHOP = "Königlich Bayerische Hofbäckerei & Konditorei Schwarzenberger am Marktplatz"
LONG_QUESTION = (
    "Do you agree that the crane in hall seven is switched on again, "
    "although its inspection last week has not been signed?"
)
HELPLINE = "Palm Services, 0800 555 0100"
LONG_HELPLINE = "Schwarzenberger Kassentechnik GmbH & Co. KG, Notdienst Tag und Nacht: 0800 55501"
RICHES = Points(999_999_999, 999_999_999)
LUNCH = Money(minor=1250, currency="USD")
FORTUNE = Money(minor=999_999_999_999, currency="KWD")
"""The longest amount: its currency's sign is a code, and it has three decimals."""
TIPS = tuple(Money(minor=minor, currency="USD") for minor in (65, 125, 190))
RECEIPT_LINES = (
    "Corner Market, 4 Market Square",
    "Sourdough, large  6.50",
    "Tomatoes 0.35 kg  2.80",
    "Coffee  2 x  5.20",
    "Staff card  -2.00",
    "Total  USD 12.50",
    "Thank you, and see you soon.",
)
LONG_LINES = tuple(f"{line}, and more than that" for line in RECEIPT_LINES + RECEIPT_LINES[:5])
"""The largest number of lines that a till may show."""
CARD_PAGE = qr_code("https://checkout.example.com/c/pay/cs_" + "a1B2" * 140)
"""A code with an address as long as those of Stripe's pages."""
CONFIRM_PAGE = qr_code("https://hooks.example.com/redirect/authenticate/src_" + "a1B2" * 30)
"""As long as the addresses are at which cards' holders confirm payments."""
RECEIPT_CODE = qr_code("\n".join(RECEIPT_LINES))
MENU = ("At the table", "To take away", "On the terrace", "At the bar", "In the garden", "Later on")
BASKET = (
    Item("Sourdough, large", "1", Money(minor=650, currency="USD")),
    Item(
        "Tomatoes on the vine, from the valley behind the house",
        "0.35 kg",
        Money(minor=280, currency="USD"),
    ),
    Item("Coffee", "2", Money(minor=520, currency="USD")),
    Item("Staff card", "", Money(minor=200, currency="USD"), deducted=True),
)
LONG_NAME = "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewisse W."
"""The longest name of a card, as the service shortens it."""
RECEIPT = "4f1c0b7e9d2a86535e1f7a90c3b8d246"
DEVICE = "0d9b6a5cf2e84713a8c15e7f90b3d462"
"""Ids as the service makes them (`cloud.db.tables.new_id`)."""
VISA = Card(brand="visa", last4="4242")
EXPIRED = Card(brand="amex", last4="0005", expired=True)
MASTERCARD = Card(brand="mastercard", last4="4444")
AMEX = Card(brand="amex", last4="0005")
CARDS = (VISA, EXPIRED, MASTERCARD, Card(brand="mastercard", last4="5454", expired=True))
UNTIL = datetime(2036, 3, 9, tzinfo=UTC)
HOLDINGS = Holdings(
    name_hint="Alex D.",
    phone_last4="0142",
    palms=[Side.LEFT, Side.RIGHT],
    cards=[VISA],
    purchases=12,
    member_since=datetime(2026, 3, 9, tzinfo=UTC),
)
LONG_HOLDINGS = HOLDINGS.model_copy(
    update={
        "name_hint": LONG_NAME,
        "cards": [*CARDS],
        "purchases": 1234,
        "memberships": 12,
        "ages": 3,
        "sites": 2,
        "tickets": 8,
    }
)
UNTOLD_HOLDINGS = HOLDINGS.model_copy(update={"name_hint": "", "phone_last4": "", "cards": [None]})
"""The holdings that are shown where the person has never agreed to use their palm."""
UNTESTED = (
    Check(Part.CAMERA, Health.GOOD, Finding.DELIVERS, ("simulated shopper",)),
    Check(Part.MOUNTING, Health.BUSY, Finding.PALM_WANTED),
)
MODELS = Check(Part.MODELS, Health.GOOD, Finding.MODELS_THERE, ("palm_detector, hand_landmarks",))
FINGERPRINT = ":".join(f"{number * 7 % 256:02X}" for number in range(1, 33))
CHECKS = (
    *UNTESTED,
    Check(Part.LIGHT, Health.GOOD, Finding.RING_LIT, ("simulated ring", 3)),
    Check(Part.TERMINAL, Health.GOOD, Finding.TAKES_TEST_CARDS),
    Check(Part.TILL, Health.GOOD, Finding.TILL_DOOR, (8443, FINGERPRINT)),
    Check(Part.SERVICE, Health.GOOD, Finding.ANSWERED, ("0.1.0", 12)),
    Check(Part.LIFE_CHECK, Health.GOOD, Finding.LIFE_DEMANDED),
    Check(Part.VAULT_KEY, Health.GOOD, Finding.KEY, ("k-5b1f0c9e", "ML-KEM-768 + X25519")),
    Check(Part.CLOCK, Health.GOOD, Finding.CLOCK_RIGHT, (0.1,)),
    Check(Part.ACTIVATION, Health.GOOD, Finding.ACTIVATED, ("Corner Market", "US")),
    MODELS,
    Check(Part.DISK, Health.GOOD, Finding.ROOM, (21_400,)),
)
BROKEN_CHECKS = (
    Check(Part.CAMERA, Health.BUSY, Finding.OPENING, ("/dev/video0",)),
    Check(
        Part.LIGHT,
        Health.BROKEN,
        Finding.FAULT,
        (
            "The light ring at /dev/ttyACM0 does not answer.",
            "Check its cable and power; it is tried again by itself.",
        ),
    ),
    Check(
        Part.TERMINAL,
        Health.BROKEN,
        Finding.FAULT,
        ("The card terminal is unplugged.", "Plug it in; it is found by itself."),
    ),
    Check(
        Part.TILL,
        Health.BROKEN,
        Finding.TILL_WITHOUT_KEY,
        ("/var/lib/palm-kiosk/till-keys.toml",),
    ),
    Check(Part.TILL, Health.BROKEN, Finding.TILL_SHUT_OUT, (8443, "Address already in use")),
    Check(
        Part.SERVICE,
        Health.BROKEN,
        Finding.OFFLINE,
        (Cause.EXPIRED.value, "https://palms.example.com:7256", "1970-01-01 00:03 UTC"),
    ),
    Check(Part.ACTIVATION, Health.BROKEN, Finding.NOT_ACTIVATED),
    MODELS,
    Check(Part.DISK, Health.BROKEN, Finding.NO_ROOM, (21, "/var/lib/palm-kiosk")),
)
READER = "tmr_FDOt2wlRZEdpd7"
READER_CHECKS = (
    Check(Part.TERMINAL, Health.GOOD, Finding.READER_READY, ("Counter 1",)),
    *(
        Check(Part.TERMINAL, Health.BROKEN, Finding.READER_FAULT, (fault.value, "Counter 1"))
        for fault in ReaderFault
    ),
    Check(Part.TERMINAL, Health.BROKEN, Finding.READER_NOT_BOUND, (READER, DEVICE)),
    Check(Part.TERMINAL, Health.BROKEN, Finding.READER_UNKNOWN_STATE, (READER,)),
)
GATE_CHECKS = (
    Check(Part.GATE, Health.GOOD, Finding.AT_DOOR, ("/dev/serial/by-id/usb-FTDI_0-port0", "entry")),
    Check(Part.GATE, Health.GOOD, Finding.AT_DOOR, ("", "entry")),
    Check(Part.GATE, Health.BROKEN, Finding.NO_DOOR, (DEVICE,)),
    Check(
        Part.GATE,
        Health.BROKEN,
        Finding.FAULT,
        (
            "The controller is not heard on the reader's line /dev/ttyUSB0.",
            "Check its cable, A and B, and the controller; the line recovers by itself.",
        ),
    ),
    Check(Part.VENUE, Health.GOOD, Finding.VENUE_ONLINE, (12_312, 0)),
    Check(Part.VENUE, Health.WARNING, Finding.VENUE_AWAY, (12_312, 4)),
    Check(Part.VENUE, Health.WARNING, Finding.VENUE_CONFLICTS, (1,)),
    Check(Part.VENUE, Health.BROKEN, Finding.VENUE_NOT_SIGNED_ON),
    Check(Part.VENUE, Health.BROKEN, Finding.VENUE_NO_LIST),
    Check(Part.VENUE, Health.BROKEN, Finding.VENUE_NOT_ALLOWED),
    Check(Part.VENUE, Health.BROKEN, Finding.VENUE_STORES_NOTHING),
)
WHEN = "2027-03-01 14:05 UTC"
LOCKED_CHECKS = (
    Check(Part.LOCK, Health.BROKEN, Finding.LOCKED_CASE, (WHEN,)),
    *UNTESTED,
    Check(
        Part.ENCLOSURE,
        Health.BROKEN,
        Finding.CASE_OPEN,
        ("hwmon:/sys/class/hwmon/hwmon0/intrusion0_alarm",),
    ),
    Check(Part.USB, Health.BUSY, Finding.USB_PLUGGED, ("046d:0825, 2341:0043",)),
    Check(Part.ACTIVATION, Health.BROKEN, Finding.NOT_ACTIVATED),
)
USB_CHECKS = (
    Check(Part.LOCK, Health.BROKEN, Finding.LOCKED_USB, ("1209:0001", "keyboard", WHEN)),
    Check(Part.LOCK, Health.BROKEN, Finding.LOCKED_CAMERA, ("046d:0825 7A3F", WHEN)),
    *UNTESTED,
    Check(Part.ENCLOSURE, Health.GOOD, Finding.CASE_CLOSED),
    Check(Part.USB, Health.WARNING, Finding.USB_STORAGE, ("0951:1666",)),
)
LISTS = (
    CheckInList("Palm Festival", "Main entrance", chosen=True),
    CheckInList("Palm Festival", "Coming back"),
    *(CheckInList(f"Summer Concerts {year}", "Stand North") for year in range(2027, 2035)),
)
PIN_UNREADABLE = Check(
    Part.DISK, Health.BROKEN, Finding.PIN_UNREADABLE, ("/var/lib/palm-kiosk/staff.json",)
)
READ_ONLY = Check(
    Part.DISK, Health.BROKEN, Finding.STORES_NOTHING, ("read_only", "/var/lib/palm-kiosk")
)
KEYS_CHECKS = (
    Check(Part.KEYS, Health.GOOD, Finding.KEYS_SEALED, ("/dev/tpmrm0",)),
    Check(Part.KEYS, Health.WARNING, Finding.KEYS_IN_ANY_BOOT_STATE, ("/dev/tpmrm0",)),
    Check(Part.KEYS, Health.WARNING, Finding.KEYS_IN_FILE),
    Check(Part.KEYS, Health.WARNING, Finding.KEYS_MAY_BE_SWAPPED),
)
NO_KEYS = Check(
    Part.KEYS,
    Health.BROKEN,
    Finding.FAULT,
    (
        "The kiosk's key in /var/lib/palm-kiosk/state.tpm is sealed by a TPM, and there is none "
        "that can be used.",
        "Switch it on in the firmware, see that tpm2-tools are installed, that the kiosk's user "
        "may open the device, and that `tpm` in the settings names it. Or begin anew with `palm-"
        "kiosk key begin-anew` (docs/operating.md).",
    ),
)
PACKAGES = (
    Package("anyio", "4.11.0", "MIT"),
    Package("cryptography", "46.0.3", "Apache-2.0 OR BSD-3-Clause"),
    *(Package(f"opentelemetry-exporter-{n}", "1.38.0", "Apache-2.0") for n in range(30)),
    Package("PySide6", "6.11.3", "LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only"),
    Package("uvicorn", "0.38.0", ""),
)
NO_RING = Check(Part.LIGHT, Health.GOOD, Finding.NO_RING)
LIFE_UNCHECKED = Check(Part.LIFE_CHECK, Health.WARNING, Finding.LIFE_UNCHECKED)
RING_DEMANDED = Check(Part.LIFE_CHECK, Health.BROKEN, Finding.RING_DEMANDED)


def _checks_with(*others: Check) -> tuple[Check, ...]:
    """Returns CHECKS with the others in place of the checks of the same parts."""
    by_part = {check.part: check for check in (*CHECKS, *others)}
    return tuple(by_part[check.part] for check in CHECKS)


AT = "https://127.0.0.1:7256"
OBSERVATIONS = (
    Observed(Figure.VISION_TIME, (31,)),
    Observed(Figure.HAND, ("right", "palm")),
    Observed(Figure.DISTANCE, (0.44,)),
    Observed(Figure.TILT, (6,)),
    Observed(Figure.OPENNESS, (0.93,)),
    Observed(Figure.SHARPNESS, (0.71,)),
    Observed(Figure.BRIGHTNESS, (0.52,)),
    Observed(Figure.MOTION, (0.04,)),
)

POSES: dict[Instruction, Presentation] = {
    Instruction.TAKE_AWAY: Presentation(y=0.62, span=0.4),
    Instruction.TURN_OVER: Presentation(back=True),
    Instruction.OPEN_HAND: Presentation(curl=0.9),
    Instruction.OTHER_HAND: Presentation(),
    Instruction.MOVE_CLOSER: Presentation(span=0.24),
    Instruction.MOVE_AWAY: Presentation(span=0.66),
    Instruction.MOVE_LEFT: Presentation(x=0.36),
    Instruction.MOVE_RIGHT: Presentation(x=0.64),
    Instruction.MOVE_UP: Presentation(y=0.74),
    Instruction.MOVE_DOWN: Presentation(y=0.3),
    Instruction.FLATTEN: Presentation(pitch=50),
    Instruction.MORE_LIGHT: Presentation(brightness=0.3),
    Instruction.LESS_LIGHT: Presentation(brightness=1.9),
    Instruction.WIPE: Presentation(y=0.62, span=0.4, blur=6.0),
    Instruction.HOLD_STILL: Presentation(y=0.62, span=0.4),
    Instruction.HOLD_LONGER: Presentation(y=0.62, span=0.4),
    Instruction.DONE: Presentation(y=0.62, span=0.4),
}
"""The pose of the drawn hand for each instruction; there is none where no hand or two are in
view."""


@cache
def drawn(instruction: Instruction) -> Drawing | None:
    """Returns what the camera sees with this instruction, None without exactly one hand."""
    pose = POSES.get(instruction)
    if pose is None:
        return None
    side = HandSide.LEFT if instruction is Instruction.OTHER_HAND else HandSide.RIGHT
    return draw(identity(7, side), pose, np.random.default_rng(7))


def guidance(instruction: Instruction) -> Guidance:
    progress = {
        Instruction.HOLD_STILL: 0.6,
        Instruction.HOLD_LONGER: 0.35,
        Instruction.DONE: 1.0,
    }.get(instruction, 0.0)
    drawing = drawn(instruction)
    if drawing is None:
        return Guidance(instruction, progress)
    height, width = drawing.image.shape[:2]
    points = tuple((float(x) / width, float(y) / height) for x, y in drawing.hand.landmarks)
    return Guidance(instruction, progress, points)


def consents(merchant: str) -> dict[str, ConsentText]:
    """Returns texts as long as the service's: the longest, one to sign, and a short one."""
    told = [
        (
            "What we keep",
            "A code made from your palm, encrypted. This is a biometric identifier. Pictures are "
            "erased at once.\n"
            "Your mobile number.\n"
            "A stand-in for your card: its kind, last four digits and name, never its number.\n"
            "What you buy with your palm: amount, time, kiosk and card.\n"
            "Your membership card, your tickets, and that staff have seen your age, if you show "
            "them.\n"
            "The doors you pass with your palm: which and when, for 90 days; "
            "and what a site gives you to pass them.\n"
            "To what you agreed, when and where.",
        ),
        (
            "Why",
            f"To recognise you when you hold your palm before a kiosk of {merchant}, and to charge "
            "what you confirm. Your number is for codes, receipts, which you can decline, and news "
            "about your account. Not for advertising. Nothing is sold, leased or traded.",
        ),
        (
            "How long",
            "Until you delete it, and at most 12 months after you last used your palm; we tell you "
            "twice before. Purchases stay for the books then, without your name, for 10 years.",
        ),
        (
            "Who has it",
            "Palm Operator, 1 Main Street, Springfield answers for your data.\n"
            f"{merchant} is told your first name and an initial, your card's kind and last four "
            "digits, and what you buy there.\n"
            "A payment provider charges your card. A message provider sends to your number.\n"
            "None of them gets the code made from your palm.",
        ),
        ("Your choice", "You can always pay another way instead, at the same price."),
        (
            "How to withdraw",
            "At any kiosk with this sign-up or on its website, at any time: it is done at once. "
            "You may see, correct, take along and delete what we keep. Questions and requests: "
            "privacy@example.com. We answer within 45 days.",
        ),
    ]
    release = (
        "Your release",
        "By signing I release this to Palm Operator, 1 Main Street, Springfield: it may collect, "
        "keep and use what is made of my palm as this text says. My signature is electronic: I "
        "give it with a button that says so.",
    )
    plain = ConsentText(
        version="2027-01",
        law="plain",
        language="en",
        title="What we keep, if you agree",
        sections=[ConsentSection(heading=heading, text=text) for heading, text in told],
    )
    signed = ConsentSection(heading=release[0], text=release[1])
    return {
        "plain": plain,
        "release": plain.model_copy(
            update={
                "title": "Written release for your palm",
                "sections": [*plain.sections, signed],
                "release": True,
            }
        ),
        "short": plain.model_copy(update={"sections": plain.sections[4:5]}),
    }


USED = datetime(2026, 9, 29, 18, 42)  # noqa: DTZ001 - shown by the clock on the wall

LOGO = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAMgAAAA8CAYAAAAjW/WRAAABrklEQVR42u3dUW7CMBBFUVqx/y238MEnEiS25018"
    "zgJK1Pp6HKLC7Qa89bPiRf4ePr6gB38WLh3IN0EIhm0CGRmGULhMIDPDEAptA1kZhlBoE0hlGEIhOpCkOERCVCCJ"
    "cYiEiECS4xAJpYF0iEMklATSKQ6RsDSQ1U/EPYGnTSAjFuuZRVr9+vB0Tz3ivH5GxyMeF58gZxbljF077XrYx2+H"
    "m2OLnJgJcmS3XrmA068PEwT2nCBddmdThBYTpGrRWewsnyDf7soJi7TjNdPL3a9g3DEOR6yondhEIPoeBLYIZJfj"
    "hGMT0ydI2rHGMQtHLBAICAQEAgIBgYBAAIHAgkDSnkZ7Os70QHZ5Gu2pO45YMHJTPXpU8Q9TmCBggvTckU0P4idI"
    "1TtI3rmiZIIcXXw+OA4TBEyQc0eYmTt14jVhgkTcG7jnIGqCnF2UI3dtX31ApSkfHPda1NXfMAXTJsjoReo7Crlc"
    "IF13cnGwLJBukYiD5YF0iUQclAWSHok4KA8kNRJxEBNIWiTiIC6QhFCEQXwgFaEIg3aBrAhFGLQPZEYowuBygZwJ"
    "RhAk+QcoyehfU/GRwQAAAABJRU5ErkJggg=="
)
"""A ring and a bar, light on a transparent ground."""


def examples() -> dict[str, Screen[Any]]:
    """Returns every example by the name of its picture."""
    sign_up = Purpose.ENROL
    asked = consents(SHOP)
    return {
        "welcome": Welcome(SHOP),
        "welcome-logo": Welcome(SHOP, logo=Logo(LOGO, "light")),
        "welcome-demo": Welcome(SHOP, demo=True),
        "welcome-long-name": Welcome(LONG_SHOP, demo=True),
        "welcome-memberships": Welcome(SHOP, memberships=True),
        "welcome-demo-memberships": Welcome(LONG_SHOP, demo=True, memberships=True),
        "welcome-demo-memberships-offline": Welcome(
            LONG_SHOP, demo=True, notice=Notice.OFFLINE, memberships=True
        ),
        **{
            f"welcome-{notice}": Welcome(SHOP, True, notice)
            for notice in Notice
            if notice is not Notice.LOCKED
        },
        "out-of-service": OutOfService(SHOP, HELPLINE),
        "out-of-service-long": OutOfService(LONG_SHOP, LONG_HELPLINE),
        "out-of-service-nobody": OutOfService(SHOP),
        "out-of-service-gate": OutOfService(LONG_SHOP, LONG_HELPLINE, gate=True),
        **{f"ask-consent-{name}": AskConsent(text) for name, text in consents(SHOP).items()},
        "ask-consent-long-name": AskConsent(consents(LONG_SHOP)["release"]),
        "ask-consent-begun": AskConsent(consents(SHOP)["plain"], begun=True),
        "scan-begun": ScanBegun(),
        "enter-begun": EnterBegun(),
        **{
            f"scan-begun-{problem}": ScanBegun(problem)
            for problem in (EntryProblem.WRONG_CODE, EntryProblem.NOT_SENT)
        },
        "enter-begun-wrong": EnterBegun(EntryProblem.WRONG_CODE),
        "enter-phone": EnterPhone("US", "+1", sign_up),
        "enter-phone-typed": EnterPhone("US", "+1", sign_up, "2015550142"),
        "enter-phone-foreign": EnterPhone("US", "+1", sign_up, "+4915112345678"),
        "enter-phone-dialled": EnterPhone("US", "+1", sign_up, "01149151234567890"),
        "enter-phone-full": EnterPhone("AU", "+61", sign_up, "14140011491512345678901"),
        "enter-phone-paying": EnterPhone("GB", "+44", Purpose.PAY, "07400123456"),
        "enter-phone-leaving": EnterPhone("DE", "+49", Purpose.LEAVE),
        **{
            f"enter-phone-{problem}": EnterPhone("US", "+1", sign_up, "20155501", problem)
            for problem in (
                EntryProblem.NOT_A_NUMBER,
                EntryProblem.NOT_MOBILE,
                EntryProblem.NOT_SENT,
                EntryProblem.LOCKED,
            )
        },
        "enter-code": EnterCode("42", 24),
        "enter-code-wrong": EnterCode("42", 0, EntryProblem.WRONG_CODE, 2),
        "enter-code-expired": EnterCode("42", 0, EntryProblem.EXPIRED),
        "enter-code-not-sent": EnterCode("42", 0, EntryProblem.NOT_SENT),
        "present-card": PresentCard(),
        "save-card-by-phone": SaveCardByPhone(CARD_PAGE),
        "save-card-by-phone-lapsed": SaveCardByPhone(None),
        "save-card-by-phone-adding": SaveCardByPhone(CARD_PAGE, adding=True),
        "present-card-adding": PresentCard(adding=True),
        "show-cards": ShowCards((VISA, EXPIRED), full=False),
        "show-cards-one": ShowCards((VISA,), full=False),
        "show-cards-full": ShowCards(CARDS, full=True),
        "show-card": ShowCard(MASTERCARD, is_first=False, is_only=False),
        "show-card-first": ShowCard(AMEX, is_first=True, is_only=False),
        "show-card-only": ShowCard(VISA, is_first=True, is_only=True),
        **{f"present-card-{problem}": PresentCard(problem) for problem in CardProblem},
        **{
            f"hold-palm-{instruction}": HoldPalm(sign_up, guidance(instruction))
            for instruction in Instruction
        },
        "hold-palm-another-try": HoldPalm(
            Purpose.PAY, guidance(Instruction.TAKE_AWAY), None, 2, amount=LUNCH, merchant=SHOP
        ),
        "hold-palm-left": HoldPalm(sign_up, side=Side.LEFT),
        "hold-palm-paying": HoldPalm(
            Purpose.PAY, guidance(Instruction.MOVE_CLOSER), amount=LUNCH, merchant=SHOP
        ),
        "hold-palm-paying-still": HoldPalm(
            Purpose.PAY, guidance(Instruction.HOLD_STILL), amount=LUNCH, merchant=SHOP
        ),
        "hold-palm-paying-longer": HoldPalm(
            Purpose.PAY, guidance(Instruction.HOLD_LONGER), amount=LUNCH, merchant=SHOP, longer=True
        ),
        "hold-palm-paying-fortune": HoldPalm(
            Purpose.PAY,
            guidance(Instruction.SHOW_PALM),
            None,
            2,
            amount=FORTUNE,
            merchant=LONG_SHOP,
        ),
        "hold-palm-lifeless": HoldPalm(Purpose.LEAVE, attempts_left=2, lifeless=True),
        "hold-palm-lifeless-paying": HoldPalm(
            Purpose.PAY,
            guidance(Instruction.MOVE_CLOSER),
            None,
            2,
            True,
            amount=FORTUNE,
            merchant=LONG_SHOP,
        ),
        "hold-palm-unclear": HoldPalm(Purpose.PAY, amount=LUNCH, merchant=SHOP, unclear=True),
        "hold-palm-leaving": HoldPalm(Purpose.LEAVE),
        "hold-palm-identifying": HoldPalm(Purpose.IDENTIFY, merchant=SHOP),
        "hold-palm-asked": HoldPalm(
            Purpose.IDENTIFY, merchant=SHOP, question="Release the rental car?", agrees=True
        ),
        "hold-palm-asked-still": HoldPalm(
            Purpose.IDENTIFY,
            guidance(Instruction.HOLD_STILL),
            merchant=SHOP,
            question="Release the rental car?",
            agrees=True,
        ),
        "hold-palm-asked-who": HoldPalm(
            Purpose.IDENTIFY, merchant=SHOP, question="Your locker opens when we know you."
        ),
        "hold-palm-asked-long": HoldPalm(
            Purpose.IDENTIFY,
            attempts_left=2,
            lifeless=True,
            merchant=LONG_SHOP,
            question=LONG_QUESTION,
            agrees=True,
        ),
        "invited-to-sign-up": InvitedToSignUp(SHOP, "Pay for your boat with your palm.", "1001"),
        "invited-to-sign-up-long": InvitedToSignUp(LONG_SHOP, LONG_QUESTION, "1001"),
        **{f"question-answered-{heard}": QuestionAnswered(SHOP, heard) for heard in Heard},
        "question-answered-long-name": QuestionAnswered(LONG_SHOP, Heard.AGREED),
        "scan-membership": ScanMembership(SHOP),
        **{
            f"scan-membership-{problem}": ScanMembership(LONG_SHOP, problem)
            for problem in MembershipProblem
        },
        "enter-membership": EnterMembership(SHOP),
        **{
            f"enter-membership-{problem}": EnterMembership(LONG_SHOP, problem)
            for problem in MembershipProblem
        },
        "show-membership": ShowMembership(SHOP, "2345"),
        "show-membership-long-name": ShowMembership(LONG_SHOP, "2345"),
        "membership-changed": MembershipChanged(SHOP, "2345"),
        "membership-changed-removed": MembershipChanged(LONG_SHOP, None),
        "no-membership": NoMembership(LONG_SHOP),
        "no-membership-identifying": NoMembership(SHOP, paying=False),
        "show-document": ShowDocument(SHOP, Age.EIGHTEEN),
        "show-document-shut": ShowDocument(LONG_SHOP, Age.TWENTY_ONE, shut=True),
        "show-document-not-kept": ShowDocument(LONG_SHOP, Age.TWENTY_ONE, kept=False),
        "show-hand": ShowHand(SHOP, LUNCH),
        "show-hand-shut": ShowHand(LONG_SHOP, LUNCH, shut=True),
        "confirm-hand": ConfirmHand(LUNCH, LONG_NAME),
        "enter-staff-number": EnterStaffNumber(),
        "confirm-age": ConfirmAge(
            LONG_NAME, datetime(2008, 9, 29, tzinfo=UTC), datetime(2005, 9, 29, tzinfo=UTC)
        ),
        "confirm-age-unknown": ConfirmAge(
            "", datetime(2008, 9, 29, tzinfo=UTC), datetime(2005, 9, 29, tzinfo=UTC)
        ),
        "age-not-seen": AgeNotSeen(LONG_SHOP, Age.EIGHTEEN),
        "confirm-purchase-age": ConfirmPurchase(
            SHOP, LUNCH, "Alex D.", VISA, Points(12, 1262), Age.EIGHTEEN
        ),
        "collected": Collected(SHOP, Points(12, 1262)),
        "collected-none": Collected(LONG_SHOP, Points()),
        "collected-balance": Collected(LONG_SHOP, Points(None, 999_999_999)),
        "ask-merchant-consent-identifying": AskMerchantConsent(asked["plain"], SHOP, paying=False),
        "hold-palm-cards": HoldPalm(Purpose.CARDS, merchant=SHOP),
        "ask-merchant-consent": AskMerchantConsent(asked["plain"], SHOP),
        "ask-merchant-consent-short": AskMerchantConsent(asked["short"], SHOP),
        "ask-merchant-consent-release": AskMerchantConsent(asked["release"], SHOP),
        "ask-merchant-consent-long-name": AskMerchantConsent(
            consents(LONG_SHOP)["plain"], LONG_SHOP
        ),
        "offer-second-palm": OfferSecondPalm(Side.RIGHT),
        "offer-second-palm-right": OfferSecondPalm(Side.LEFT),
        "signed-up": SignedUp("Alex D.", "0142", VISA, (Side.RIGHT,)),
        "signed-up-both": SignedUp(LONG_NAME, "0142", AMEX, (Side.LEFT, Side.RIGHT)),
        **{f"already-known-{known}": AlreadyKnown(known) for known in Known},
        **{f"working-{work}": Working(work) for work in Work if work is not Work.PAYING},
        "working-readying-reader-paying": Working(Work.READYING_READER, LUNCH, SHOP),
        "working-slow": Working(Work.CHECKING_PALM, slow=True),
        "working-paying": Working(Work.PAYING, LUNCH, SHOP),
        "working-paying-fortune": Working(Work.PAYING, FORTUNE, LONG_SHOP),
        "working-paying-slow": Working(Work.PAYING, LUNCH, SHOP, slow=True),
        "working-paying-way-out": Working(Work.PAYING, FORTUNE, LONG_SHOP, slow=True, way_out=True),
        "working-paying-way-out-soon": Working(Work.PAYING, LUNCH, SHOP, way_out=True),
        "choose-tip": ChooseTip(SHOP, LUNCH, TIPS),
        "choose-tip-fortune": ChooseTip(LONG_SHOP, FORTUNE, (FORTUNE, FORTUNE, FORTUNE, FORTUNE)),
        "confirm-purchase": ConfirmPurchase(SHOP, LUNCH, "Alex D.", VISA),
        "confirm-purchase-points": ConfirmPurchase(SHOP, LUNCH, "Alex D.", VISA, Points(12)),
        "confirm-purchase-points-fortune": ConfirmPurchase(
            LONG_SHOP, FORTUNE, LONG_NAME, AMEX, RICHES
        ),
        "confirm-purchase-expired": ConfirmPurchase(SHOP, LUNCH, "Alex D.", EXPIRED),
        "confirm-purchase-fortune": ConfirmPurchase(LONG_SHOP, FORTUNE, LONG_NAME, AMEX),
        "confirm-purchase-by-itself": ConfirmPurchase(
            SHOP, LUNCH, "Alex D.", VISA, Points(12), pays_in=3.0
        ),
        "palm-reader-lost": PalmReaderLost(SHOP, LUNCH),
        "palm-reader-lost-fortune": PalmReaderLost(LONG_SHOP, FORTUNE),
        "pay-with-card": PayWithCard(SHOP, LUNCH),
        "pay-with-card-fortune": PayWithCard(LONG_SHOP, FORTUNE),
        "pay-with-card-not-read": PayWithCard(SHOP, LUNCH, CardProblem.NOT_READ),
        "pay-with-card-terminal": PayWithCard(LONG_SHOP, FORTUNE, CardProblem.TERMINAL),
        "confirm-purchase-cards": ConfirmPurchase(
            SHOP, LUNCH, "Alex D.", VISA, cards=(VISA, EXPIRED)
        ),
        "confirm-purchase-cards-by-itself": ConfirmPurchase(
            SHOP, LUNCH, "Alex D.", VISA, pays_in=3.0, cards=(VISA, MASTERCARD)
        ),
        "confirm-purchase-cards-full": ConfirmPurchase(
            LONG_SHOP, FORTUNE, LONG_NAME, MASTERCARD, cards=CARDS, chosen=2
        ),
        "confirm-purchase-everything": ConfirmPurchase(
            LONG_SHOP, FORTUNE, LONG_NAME, MASTERCARD, RICHES, Age.TWENTY_ONE, 3.0, CARDS, 2
        ),
        "confirm-by-phone": ConfirmByPhone(SHOP, LUNCH, VISA, CONFIRM_PAGE),
        "confirm-by-phone-fortune": ConfirmByPhone(LONG_SHOP, FORTUNE, AMEX, CONFIRM_PAGE),
        "step-up": StepUp(),
        "step-up-wrong": StepUp(EntryProblem.WRONG_DIGITS, 1),
        "approved": Approved(SHOP, LUNCH, VISA),
        "approved-points": Approved(SHOP, LUNCH, VISA, Points(12, 1262)),
        "approved-points-fortune": Approved(LONG_SHOP, FORTUNE, AMEX, RICHES),
        "approved-receipt": Approved(SHOP, LUNCH, VISA, receipt=True),
        "approved-receipt-declined": Approved(SHOP, LUNCH, VISA, receipt=False),
        "approved-fortune": Approved(LONG_SHOP, FORTUNE, AMEX, RICHES, receipt=True),
        "declined": Declined(SHOP, LUNCH, VISA),
        "declined-unknown-card": Declined(SHOP, LUNCH, None),
        "declined-asks-holder": Declined(SHOP, LUNCH, VISA, asks_holder=True),
        "not-charged": NotCharged(SHOP, LUNCH),
        "not-recognised": NotRecognised(Purpose.PAY, 2),
        "not-recognised-no-more": NotRecognised(Purpose.PAY, 0),
        "not-recognised-cards": NotRecognised(Purpose.CARDS, 2),
        "not-recognised-leaving": NotRecognised(Purpose.LEAVE, 1),
        "not-recognised-identifying": NotRecognised(Purpose.IDENTIFY, 1),
        "not-recognised-identifying-no-more": NotRecognised(Purpose.IDENTIFY, 0),
        "frozen": Frozen(Purpose.PAY),
        "frozen-identifying": Frozen(Purpose.IDENTIFY),
        "pay-another-way": PayAnotherWay(SHOP),
        "recognised": Recognised(SHOP, "Alex D."),
        "till-message": TillMessage(SHOP, ("Three for two on tomatoes today.",)),
        "till-message-receipt": TillMessage(LONG_SHOP, RECEIPT_LINES, RECEIPT_CODE),
        "till-message-to-phone": TillMessage(LONG_SHOP, LONG_LINES, RECEIPT_CODE, receipt=True),
        "till-message-not-to-phone": TillMessage(SHOP, ("Total 12.50",), None, receipt=False),
        "till-question": TillQuestion(SHOP, ("Do you need a bag for 20 cents?",)),
        "till-question-long": TillQuestion(LONG_SHOP, RECEIPT_LINES),
        "till-digits": TillDigits(SHOP, ("Your member number, please",), 4, 19),
        "till-digits-hidden": TillDigits(LONG_SHOP, ("A number of your own",), 4, 8, hidden=True),
        "till-menu": TillMenu(
            SHOP, ("How was it today?",), ("Very good", "Well enough", "Not good")
        ),
        "till-menu-long": TillMenu(LONG_SHOP, ("Where do you eat?",), MENU),
        "at-gate": AtGate(merchant=SHOP),
        "at-gate-tickets": AtGate(merchant=LONG_SHOP, takes_tickets=True),
        "at-gate-desk": AtGate(merchant=LONG_SHOP, checks_in=True),
        "at-gate-exit": AtGate(merchant=SHOP, direction=Direction.EXIT),
        "at-gate-keep": AtGate(Purpose.KEEP, merchant=SHOP),
        "at-gate-closer": AtGate(Purpose.ENTER, guidance(Instruction.MOVE_CLOSER), merchant=SHOP),
        "at-gate-still": AtGate(Purpose.ENTER, guidance(Instruction.HOLD_STILL), merchant=SHOP),
        "at-gate-done": AtGate(Purpose.ENTER, guidance(Instruction.DONE), merchant=SHOP),
        "at-gate-pass-out": AtGate(
            merchant=SHOP, direction=Direction.EXIT, last=Answered(GateAnswer.PASS, number=1)
        ),
        "at-gate-already-used-somewhere": AtGate(
            merchant=SHOP, last=Answered(GateAnswer.ALREADY_USED, USED, "Gate B", 2)
        ),
        **{
            f"at-gate-{answer}": AtGate(
                merchant=SHOP,
                checks_in=answer is GateAnswer.CHECKED_IN,
                last=Answered(answer, number=number),
            )
            for number, answer in enumerate(GateAnswer, start=3)
        },
        "at-gate-lamp": AtGate(merchant=WORKS),
        "at-gate-lamp-words": AtGate(
            Purpose.ENTER, guidance(Instruction.MOVE_CLOSER), merchant=WORKS
        ),
        "at-gate-lamp-pass": AtGate(merchant=WORKS, last=Answered(GateAnswer.PASS, number=1)),
        "at-gate-lamp-denied": AtGate(merchant=WORKS, last=Answered(GateAnswer.DENIED, number=2)),
        **{
            f"gate-shut-{notice}": GateShut(LONG_SHOP, notice)
            for notice in GateNotice
            if notice is not GateNotice.LOCKED
        },
        "ask-access": AskAccess("Works Berlin", "567"),
        "ask-to-keep": AskToKeep("Works Berlin"),
        "ask-to-keep-long": AskToKeep(LONG_SHOP),
        "ask-access-no-card": AskAccess(LONG_SHOP),
        "scan-ticket": ScanTicket(),
        "choose-proof": ChooseProof(),
        "choose-proof-camera": ChooseProof(reads_palms=False),
        "choose-deletion": ChooseDeletion(SHOP, 1),
        "choose-deletion-long-name": ChooseDeletion(LONG_SHOP, 12),
        "confirm-delete": ConfirmDelete(HOLDINGS),
        "confirm-delete-long": ConfirmDelete(LONG_HOLDINGS),
        "confirm-delete-untold": ConfirmDelete(UNTOLD_HOLDINGS),
        "deleted": Deleted(RECEIPT, 2, 1, 12, UNTIL),
        "deleted-long": Deleted(RECEIPT, 2, 1, 1234, UNTIL, memberships=12, ages=3),
        "deleted-stays": Deleted(RECEIPT, 2, 1, 12, UNTIL, stays=True),
        "deleted-nothing-kept": Deleted(RECEIPT, 2, 1, 0, None),
        "agreement-ended": AgreementEnded(SHOP, RECEIPT),
        "agreement-ended-stays": AgreementEnded(LONG_SHOP, RECEIPT, stays=True),
        "help": Help(paying=False),
        "help-paying": Help(paying=True),
        "staff-called": StaffCalled(told=True),
        "staff-not-called": StaffCalled(),
        **{f"trouble-{kind}": Trouble(kind) for kind in TroubleKind},
        "trouble-offline-paying": Trouble(TroubleKind.OFFLINE, paying=True),
        "still-there": StillThere(7),
        **{f"still-there-{loss}": StillThere(7, loss=loss) for loss in Loss},
        **{f"still-there-paying-{loss}": StillThere(7, loss=loss, paying=True) for loss in Loss},
        "enter-pin": EnterPin(),
        "enter-pin-wrong": EnterPin(EntryProblem.WRONG_PIN, 2),
        "enter-pin-locked": EnterPin(EntryProblem.LOCKED, 0, 95),
        "enter-pin-changing": EnterPin(changing=True),
        "enter-pin-choosing": EnterPin(choosing=True),
        "enter-pin-weak": EnterPin(EntryProblem.WEAK_PIN, choosing=True),
        "enter-pin-repeat": EnterPin(choosing=True, repeat=True),
        "maintenance": Maintenance("0.1.0", DEVICE, AT, CHECKS, OBSERVATIONS),
        "maintenance-pin-changed": Maintenance(
            "0.1.0", DEVICE, AT, CHECKS, OBSERVATIONS, pin_changed=True
        ),
        "maintenance-new": Maintenance("0.1.0", None, AT, UNTESTED),
        "maintenance-broken": Maintenance("0.1.0", None, AT, BROKEN_CHECKS),
        "maintenance-locked": Maintenance("0.1.0", None, AT, LOCKED_CHECKS),
        "maintenance-locked-usb": Maintenance("0.1.0", None, AT, USB_CHECKS),
        "maintenance-readers": Maintenance("0.1.0", DEVICE, AT, READER_CHECKS),
        "maintenance-keys": Maintenance("0.1.0", DEVICE, AT, KEYS_CHECKS),
        "maintenance-gates": Maintenance("0.1.0", DEVICE, AT, GATE_CHECKS, venue=True),
        "maintenance-no-ring": Maintenance(
            "0.1.0",
            DEVICE,
            AT,
            _checks_with(NO_RING, RING_DEMANDED),
            OBSERVATIONS,
        ),
        "maintenance-unchecked": Maintenance(
            "0.1.0",
            DEVICE,
            AT,
            _checks_with(NO_RING, LIFE_UNCHECKED),
            OBSERVATIONS,
        ),
        "about": About("0.1.0", DEVICE, PACKAGES),
        "about-new": About("0.1.0", None, PACKAGES),
        "about-made": About(
            "0.1.0",
            DEVICE,
            PACKAGES,
            Bundle(
                "/var/lib/palm-kiosk/support-bundle.json",
                ("/media/palm/support-bundle.json",),
                sent=True,
            ),
        ),
        "about-not-sent": About("0.1.0", DEVICE, PACKAGES, Bundle(None)),
        "staff-shut": StaffShut(PIN_UNREADABLE),
        "staff-shut-disk": StaffShut(READ_ONLY),
        "no-keys": NoKeys(NO_KEYS),
        "scan-device": ScanDevice(),
        **{
            f"scan-device-{problem}": ScanDevice(problem)
            for problem in VenueProblem
            if problem not in (VenueProblem.NOT_ALLOWED, VenueProblem.NO_LIST)
        },
        **{
            f"scan-device-no-answer-{cause}": ScanDevice(VenueProblem.NO_ANSWER, cause)
            for cause in Cause
            if cause is not Cause.NOT_STARTED
        },
        "choose-list": ChooseList("Kiosk at Gate B", "Gate B", LISTS[:2]),
        "choose-list-many": ChooseList("Kiosk", "", LISTS),
        **{
            f"choose-list-{problem}": ChooseList("Kiosk at Gate B", "Gate B", (), problem)
            for problem in (
                VenueProblem.NO_ANSWER,
                VenueProblem.NOT_ALLOWED,
                VenueProblem.NO_LIST,
                VenueProblem.NO_AUTHORITY,
            )
        },
        "choose-list-not-kept": ChooseList(
            "Kiosk at Gate B", "Gate B", LISTS[:2], VenueProblem.NOT_KEPT
        ),
        "scan-activation-code": ScanActivationCode(),
        **{
            f"scan-activation-code-{problem}": ScanActivationCode(problem)
            for problem in (
                EntryProblem.ANOTHER_CODE,
                EntryProblem.EXPIRED,
                EntryProblem.WRONG_CODE,
            )
        },
        "scan-activation-code-elsewhere": ScanActivationCode(
            EntryProblem.OTHER_REGION, "https://eu-west.palms.example.com"
        ),
        "enter-activation-code": EnterActivationCode(),
        "enter-activation-code-elsewhere": EnterActivationCode(
            EntryProblem.OTHER_REGION, "https://eu-west.palms.example.com"
        ),
        "enter-activation-code-open": EnterActivationCode(EntryProblem.CASE_OPEN),
        "enter-activation-code-wrong": EnterActivationCode(EntryProblem.WRONG_CODE),
    }


def bill_with(screen: Screen[Any]) -> Bill | None:
    """Returns the bill that is shown with an example, None without one."""
    match screen:
        case (
            HoldPalm(amount=Money())
            | ConfirmPurchase()
            | PalmReaderLost()
            | PayWithCard()
            | ConfirmByPhone()
            | Approved()
            | Declined()
            | NotCharged()
            | ShowHand()
        ):
            return Bill(screen.merchant, screen.amount or LUNCH, BASKET)
        case (
            StepUp()
            | AskMerchantConsent(paying=True)
            | PayAnotherWay()
            | ShowDocument()
            | ConfirmAge()
            | ConfirmHand()
            | AgeNotSeen()
            | NoMembership(paying=True)
            | EnterPhone(purpose=Purpose.PAY)
            | Frozen(purpose=Purpose.PAY)
            | NotRecognised(purpose=Purpose.PAY)
            | Help(paying=True)
            | Trouble(paying=True)
        ):
            return Bill(SHOP, LUNCH, BASKET)
        case _:
            return None


def indicated_with(screen: Screen[Any]) -> Indicated | None:
    """Returns what the site's controller shows with an example, None for nothing."""
    match screen:
        case AtGate(merchant="Northern Works", last=Answered(GateAnswer.PASS)):
            return Indicated(Color.GREEN, Color.GREEN, words="WELCOME")
        case AtGate(merchant="Northern Works", last=Answered(GateAnswer.DENIED)):
            return Indicated(Color.RED, Color.RED, words="NO ENTRY\nAFTER 19:00")
        case AtGate(merchant="Northern Works", guidance=Guidance(Instruction.SHOW_PALM)):
            return Indicated(Color.BLUE, Color.BLUE)
        case AtGate(merchant="Northern Works"):
            words = "PLEASE WAIT FOR\nTHE SECOND BADGE"
            return Indicated(Color.AMBER, Color.NONE, 0.5, 0.5, words, output=True)
        case _:
            return None
