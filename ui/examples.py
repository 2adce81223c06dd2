"""Every screen in every state, as values: what the tour photographs and the tests touch."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np

from drawn import Drawing, Presentation, draw, identity
from kiosk.capture.guidance import Guidance, Instruction
from kiosk.screens import (
    AlreadyKnown,
    Approved,
    AskConsent,
    CardProblem,
    Check,
    ChooseProof,
    ConfirmDelete,
    ConfirmPurchase,
    Declined,
    Deleted,
    EnterActivationCode,
    EnterCode,
    EnterPhone,
    EnterPin,
    EntryProblem,
    Health,
    Help,
    HoldPalm,
    Known,
    Maintenance,
    Notice,
    NotRecognised,
    OfferSecondPalm,
    PayAnotherWay,
    PresentCard,
    Screen,
    SignedUp,
    StaffCalled,
    StepUp,
    StillThere,
    Trouble,
    TroubleKind,
    Welcome,
    Work,
    Working,
)
from palm.hand.landmarks import Side as HandSide
from protocol.messages import Card, Holdings, Money, Purpose, Side

SHOP = "Corner Market"
LONG_SHOP = "Königlich Bayerische Hofbäckerei & Konditorei Schwarzenberger am Marktplatz"
LUNCH = Money(minor=1250, currency="USD")
FORTUNE = Money(minor=99_999_999, currency="USD")
VISA = Card(brand="visa", last4="4242")
AMEX = Card(brand="amex", last4="0005")
HOLDINGS = Holdings(
    name_hint="Alex D.",
    phone_last4="0142",
    palms=[Side.LEFT, Side.RIGHT],
    cards=[VISA],
    purchases=12,
    member_since=datetime(2026, 3, 9, tzinfo=UTC),
)
UNTESTED = (Check("Camera", Health.GOOD, "simulated shopper"),)
CHECKS = (
    *UNTESTED,
    Check("Light ring", Health.GOOD, "simulated ring, lit and out in 3 ms."),
    Check("Card terminal", Health.GOOD, "Takes cards."),
    Check("Service", Health.GOOD, "Version 0.1.0, answered in 12 ms."),
    Check("Life check", Health.GOOD, "Demanded of every palm."),
    Check("Vault key", Health.GOOD, "k-5b1f0c9e, ML-KEM-768 + X25519"),
    Check("Clock", Health.GOOD, "0.1 s from the service's."),
    Check("Activation", Health.GOOD, "Corner Market, US"),
    Check("Palm models", Health.GOOD, "palm_detector, hand_landmarks"),
    Check("Disk", Health.GOOD, "21,400 MB free."),
)
BROKEN_CHECKS = (
    Check("Camera", Health.BUSY, "Opening /dev/video0."),
    Check(
        "Light ring",
        Health.BROKEN,
        "The light ring at /dev/ttyACM0 does not answer.",
        "Check its cable and power; it is tried again by itself.",
    ),
    Check(
        "Card terminal",
        Health.BROKEN,
        "The card terminal is unplugged.",
        "Plug it in; it is found by itself.",
    ),
    Check(
        "Service",
        Health.BROKEN,
        "Does not answer: the service cannot be reached.",
        "Check the network cable and the service's address in the settings.",
    ),
    Check(
        "Activation",
        Health.BROKEN,
        "Not activated.",
        "Press Activate and type the code that the service's operator gives.",
    ),
    Check("Palm models", Health.GOOD, "palm_detector, hand_landmarks"),
    Check("Disk", Health.BROKEN, "21 MB free.", "Make room in /var/lib/palm-kiosk."),
)
NO_RING = Check("Light ring", Health.GOOD, "None: whether a hand is alive is not checked.")
RING_DEMANDED = Check(
    "Life check",
    Health.BROKEN,
    "The service demands a light ring.",
    'Attach one (docs/light-ring.md), or set liveness = "when_present" on the service.',
)

AT = "https://127.0.0.1:8443"
OBSERVATIONS = (
    ("Vision pass", "31 ms"),
    ("Hand", "right, palm"),
    ("Distance", "0.44"),
    ("Tilt", "6°"),
    ("Openness", "0.93"),
    ("Sharpness", "0.71"),
    ("Brightness", "0.52"),
    ("Motion", "0.04"),
)

POSES: dict[Instruction, Presentation] = {
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
    Instruction.HOLD_STILL: Presentation(y=0.62, span=0.4),
    Instruction.HOLD_LONGER: Presentation(y=0.62, span=0.4),
    Instruction.DONE: Presentation(y=0.62, span=0.4),
}
"""How the drawn hand is held when it is told so; with no hand in view, or two, nothing is drawn."""


@cache
def drawn(instruction: Instruction) -> Drawing | None:
    """What the camera sees when this is told."""
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


def examples() -> dict[str, Screen[Any]]:
    """By the name of their picture."""
    sign_up = Purpose.ENROL
    return {
        "welcome": Welcome(SHOP),
        "welcome-demo": Welcome(SHOP, demo=True),
        "welcome-long-name": Welcome(LONG_SHOP, demo=True),
        **{f"welcome-{notice}": Welcome(SHOP, True, notice) for notice in Notice},
        "ask-consent": AskConsent(SHOP),
        "ask-consent-long-name": AskConsent(LONG_SHOP),
        "enter-phone": EnterPhone("US", "+1", sign_up),
        "enter-phone-typed": EnterPhone("US", "+1", sign_up, "2015550142"),
        "enter-phone-foreign": EnterPhone("US", "+1", sign_up, "+4915112345678"),
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
        **{f"present-card-{problem}": PresentCard(problem) for problem in CardProblem},
        **{
            f"hold-palm-{instruction}": HoldPalm(sign_up, guidance(instruction))
            for instruction in Instruction
        },
        "hold-palm-left": HoldPalm(sign_up, side=Side.LEFT),
        "hold-palm-paying": HoldPalm(
            Purpose.PAY, guidance(Instruction.MOVE_CLOSER), None, LUNCH, SHOP
        ),
        "hold-palm-paying-still": HoldPalm(
            Purpose.PAY, guidance(Instruction.HOLD_STILL), None, LUNCH, SHOP
        ),
        "hold-palm-paying-longer": HoldPalm(
            Purpose.PAY, guidance(Instruction.HOLD_LONGER), None, LUNCH, SHOP, longer=True
        ),
        "hold-palm-paying-fortune": HoldPalm(
            Purpose.PAY, guidance(Instruction.SHOW_PALM), None, FORTUNE, LONG_SHOP, 2
        ),
        "hold-palm-lifeless": HoldPalm(Purpose.LEAVE, attempts_left=2, lifeless=True),
        "hold-palm-lifeless-paying": HoldPalm(
            Purpose.PAY, guidance(Instruction.MOVE_CLOSER), None, FORTUNE, LONG_SHOP, 2, True
        ),
        "hold-palm-leaving": HoldPalm(Purpose.LEAVE),
        "offer-second-palm": OfferSecondPalm(Side.RIGHT),
        "offer-second-palm-right": OfferSecondPalm(Side.LEFT),
        "signed-up": SignedUp("Alex D.", "0142", VISA, (Side.RIGHT,)),
        "signed-up-both": SignedUp("Alexandra-Magdalena W.", "0142", AMEX, (Side.LEFT, Side.RIGHT)),
        **{f"already-known-{known}": AlreadyKnown(known) for known in Known},
        **{f"working-{work}": Working(work) for work in Work},
        "confirm-purchase": ConfirmPurchase(SHOP, LUNCH, "Alex D.", VISA),
        "confirm-purchase-fortune": ConfirmPurchase(
            LONG_SHOP, FORTUNE, "Alexandra-Magdalena W.", AMEX
        ),
        "step-up": StepUp(),
        "step-up-wrong": StepUp(EntryProblem.WRONG_DIGITS, 1),
        "approved": Approved(SHOP, LUNCH, VISA),
        "approved-fortune": Approved(LONG_SHOP, FORTUNE, AMEX),
        "declined": Declined(SHOP, LUNCH, VISA),
        "not-recognised": NotRecognised(Purpose.PAY, 2),
        "not-recognised-no-more": NotRecognised(Purpose.PAY, 0),
        "not-recognised-leaving": NotRecognised(Purpose.LEAVE, 1),
        "pay-another-way": PayAnotherWay(SHOP),
        "choose-proof": ChooseProof(),
        "confirm-delete": ConfirmDelete(HOLDINGS),
        "deleted": Deleted("rc_7Q2M9XK4", 2, 1, 12, datetime(2036, 3, 9, tzinfo=UTC)),
        "deleted-nothing-kept": Deleted("rc_7Q2M9XK4", 2, 1, 0, None),
        "help": Help(paying=False),
        "help-paying": Help(paying=True),
        "staff-called": StaffCalled(),
        **{f"trouble-{kind}": Trouble(kind) for kind in TroubleKind},
        "trouble-offline-paying": Trouble(TroubleKind.OFFLINE, paying=True),
        "still-there": StillThere(7),
        "enter-pin": EnterPin(),
        "enter-pin-wrong": EnterPin(EntryProblem.WRONG_PIN, 2),
        "enter-pin-locked": EnterPin(EntryProblem.LOCKED, 0, 95),
        "enter-pin-choosing": EnterPin(choosing=True),
        "enter-pin-repeat": EnterPin(choosing=True, repeat=True),
        "maintenance": Maintenance("0.1.0", "kiosk-7f3a2b", AT, CHECKS, OBSERVATIONS),
        "maintenance-new": Maintenance("0.1.0", None, AT, UNTESTED),
        "maintenance-broken": Maintenance("0.1.0", None, AT, BROKEN_CHECKS),
        "maintenance-no-ring": Maintenance(
            "0.1.0",
            "kiosk-7f3a2b",
            AT,
            (*CHECKS[:1], NO_RING, *CHECKS[2:4], RING_DEMANDED, *CHECKS[5:]),
            OBSERVATIONS,
        ),
        "enter-activation-code": EnterActivationCode(),
        "enter-activation-code-wrong": EnterActivationCode(EntryProblem.WRONG_CODE),
    }
