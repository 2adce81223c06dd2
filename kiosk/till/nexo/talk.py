"""What a till has the kiosk say to the shopper or ask of them: Display, Input and Print.

The answers hold what a shopper has typed, which is the till's alone: nothing of it is recorded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from kiosk.qr_code import qr_code
from kiosk.screens import (
    Choice,
    Entered,
    QrCode,
    TillDigits,
    TillMenu,
    TillMessage,
    TillQuestion,
)
from kiosk.till.nexo.messages import (
    ErrorCondition,
    Failed,
    Json,
    Message,
    Name,
    Part,
    Text,
    failure,
)
from kiosk.till.till import Dialogue, Entry

MOST_LINES = 12
MOST_ENTRIES = 6
"""As many as have room on the smallest screen."""
MOST_CODE = 900
"""The most bytes in a QR code that a phone reads from a small screen."""


@dataclass(frozen=True)
class Spoken:
    screen: Dialogue
    answer: Callable[[Entry | None], Json]
    """Returns the body of the answer; None is for a shopper who has not answered."""
    printed: str = ""
    """The whole text of a receipt."""


class Words(Part):
    Text: Text


class Barcode(Part):
    BarcodeType: Name = "QRCode"
    BarcodeValue: Annotated[str, Field(min_length=1, max_length=MOST_CODE)]


class Content(Part):
    OutputFormat: Name
    OutputText: Annotated[tuple[Words, ...], Field(max_length=200)] = ()
    OutputBarcode: Barcode | None = None

    def lines(self) -> tuple[str, ...]:
        """Raises Failed."""
        if self.OutputFormat not in {"Text", "BarCode"}:
            raise Failed(
                ErrorCondition.UNAVAILABLE_SERVICE,
                f"OutputFormat {self.OutputFormat} is not served here, only Text and BarCode.",
            )
        return tuple(words.Text for words in self.OutputText)

    def code(self) -> QrCode | None:
        """Raises Failed."""
        if self.OutputBarcode is None:
            return None
        if self.OutputBarcode.BarcodeType not in {"QRCode", "QRCODE"}:
            raise Failed(
                ErrorCondition.UNAVAILABLE_SERVICE,
                f"BarcodeType {self.OutputBarcode.BarcodeType} is not served here, only QRCode.",
            )
        return qr_code(self.OutputBarcode.BarcodeValue)


class Entries(Part):
    OutputText: Annotated[tuple[Words, ...], Field(min_length=1)]


class Output(Part):
    Device: Name
    InfoQualify: Name
    OutputContent: Content
    MenuEntry: Annotated[tuple[Entries, ...], Field(max_length=MOST_ENTRIES)] = ()

    def told(self, entry: Entry | None) -> Json:
        return {"Device": self.Device, "InfoQualify": self.InfoQualify, "Response": _told(entry)}


class DisplayRequest(Part):
    DisplayOutput: Annotated[list[Output], Field(min_length=1, max_length=1)]


class Input(Part):
    Device: Name
    InfoQualify: Name
    InputCommand: Name
    MinLength: Annotated[int, Field(ge=1, le=20)] = 1
    MaxLength: Annotated[int, Field(ge=1, le=20)] = 20
    MaskCharactersFlag: bool = False


class InputRequest(Part):
    DisplayOutput: Output
    InputData: Input


class Document(Part):
    DocumentQualifier: Name
    OutputContent: Content


class PrintRequest(Part):
    PrintOutput: Document


def read(message: Message, merchant: str) -> Spoken:
    """Returns what a Display, Input or Print request shows, as the words of a merchant. Raises
    Failed."""
    match message.header.MessageCategory:
        case "Display":
            return _display(message.read(DisplayRequest), merchant)
        case "Input":
            return _input(message.read(InputRequest), merchant)
        case _:
            return _print(message.read(PrintRequest), merchant)


def _display(asked: DisplayRequest, merchant: str) -> Spoken:
    (output,) = asked.DisplayOutput
    _refuse_unless("CustomerDisplay", output.Device)
    content = output.OutputContent
    screen = TillMessage(merchant, _few(content.lines()), content.code())
    return Spoken(screen, lambda entry: {"OutputResult": [output.told(entry)]})


def _print(asked: PrintRequest, merchant: str) -> Spoken:
    """A receipt is a code that the shopper's phone takes with it: the kiosk has no printer."""
    printed = asked.PrintOutput
    if printed.DocumentQualifier != "CustomerReceipt":
        raise Failed(
            ErrorCondition.UNAVAILABLE_DEVICE,
            f"The kiosk has no printer for a {printed.DocumentQualifier}, only a screen for a "
            "CustomerReceipt.",
        )
    lines = printed.OutputContent.lines()
    text = "\n".join(lines)
    if len(text.encode()) > MOST_CODE:
        raise Failed(
            ErrorCondition.MESSAGE_FORMAT,
            f"A receipt has at most {MOST_CODE} bytes: it becomes a QR code.",
        )
    code = printed.OutputContent.code() or (qr_code(text) if text else None)

    def answer(entry: Entry | None) -> Json:
        return {"DocumentQualifier": printed.DocumentQualifier, "Response": _told(entry)}

    return Spoken(TillMessage(merchant, _few(lines), code), answer, text)


def _input(asked: InputRequest, merchant: str) -> Spoken:
    output, wanted = asked.DisplayOutput, asked.InputData
    _refuse_unless("CustomerDisplay", output.Device)
    _refuse_unless("CustomerInput", wanted.Device)
    lines = _few(output.OutputContent.lines())
    entries = tuple(entry.OutputText[0].Text for entry in output.MenuEntry)
    screen: Dialogue
    match wanted.InputCommand:
        case "GetConfirmation":
            screen = TillQuestion(merchant, lines)
        case "DigitString":
            if wanted.MinLength > wanted.MaxLength:
                raise Failed(ErrorCondition.MESSAGE_FORMAT, "MinLength is above MaxLength.")
            hidden = wanted.MaskCharactersFlag
            screen = TillDigits(merchant, lines, wanted.MinLength, wanted.MaxLength, hidden)
        case "GetMenuEntry" if entries:
            screen = TillMenu(merchant, lines, entries)
        case "GetMenuEntry":
            raise Failed(ErrorCondition.MESSAGE_FORMAT, "There is no MenuEntry to choose from.")
        case other:
            raise Failed(
                ErrorCondition.UNAVAILABLE_SERVICE,
                f"InputCommand {other} is not served here, only GetConfirmation, DigitString and "
                "GetMenuEntry.",
            )

    def answer(entry: Entry | None) -> Json:
        result: Json = {
            "Device": wanted.Device,
            "InfoQualify": wanted.InfoQualify,
            "Response": _told(entry, refuses=not isinstance(screen, TillQuestion)),
        }
        entered = _entered(screen, entry)
        if entered is not None:
            result["Input"] = {"InputCommand": wanted.InputCommand} | entered
        return {"OutputResult": output.told(Choice.DONE), "InputResult": result}

    return Spoken(screen, answer)


def _entered(screen: Dialogue, entry: Entry | None) -> Json | None:
    """Returns what a shopper has entered, None when nothing was."""
    match screen, entry:
        case TillQuestion(), Choice.CONFIRM | Choice.CANCEL:
            return {"ConfirmedFlag": entry is Choice.CONFIRM}
        case TillMenu(), Entered():
            chosen = range(1, len(screen.entries) + 1)
            return {"MenuEntryNumber": [int(str(number) == entry.text) for number in chosen]}
        case TillDigits(), Entered():
            return {"DigitInput": entry.text}
        case _:
            return None


def _told(entry: Entry | None, *, refuses: bool = False) -> Json:
    """`refuses` tells whether CANCEL is no answer."""
    if entry is None:
        return failure(ErrorCondition.CANCEL, "The shopper has not answered.")
    if refuses and entry is Choice.CANCEL:
        return failure(ErrorCondition.CANCEL, "The shopper does not answer.")
    return {"Result": "Success"}


def _few(lines: tuple[str, ...]) -> tuple[str, ...]:
    return lines[:MOST_LINES]


def _refuse_unless(device: Literal["CustomerDisplay", "CustomerInput"], asked: str) -> None:
    """Raises Failed."""
    if asked != device:
        raise Failed(
            ErrorCondition.UNAVAILABLE_DEVICE, f"The kiosk has no {asked}, only a {device}."
        )
