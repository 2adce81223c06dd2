"""How the pages of browsers write dates, numbers and amounts.

They are written as the Common Locale Data Repository has them, with the digits 0 to 9 in every
language: codes and numbers of phones and cards stand beside them and are typed with these.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale, dates, numbers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from protocol.currency import exponent_of
from protocol.messages import MOST_MINOR

_FORMULA = re.compile(r"(?:^|(?<=[;\t\r\n]))(?=\s*[=+\-@\0\uff1d\uff0b\uff0d\uff20]|[\t\r\n])")
"""Where a cell begins that a spreadsheet could take for a formula: at a sign that is one, in full
width as well, after blanks as well, and after what parts cells elsewhere."""
_AMOUNT = re.compile(r"[0-9]+(?:[.,][0-9]+)?")


@dataclass(frozen=True)
class Language:
    """A language, and how texts, dates and numbers are written in it."""

    code: str
    """The tag of BCP 47."""
    locale: Locale
    catalogue: Path | None

    @property
    def direction(self) -> str:
        """Returns the direction in which it is written, as HTML's `dir` has it."""
        return self.locale.text_direction

    @cached_property
    def name(self) -> str:
        """Returns what it calls itself, written as in a list."""
        name = Locale.parse(self.code, sep="-").display_name or self.code
        return name[0].upper() + name[1:]

    @cached_property
    def translations(self) -> NullTranslations:
        if self.catalogue is None:
            return NullTranslations()
        compiled = BytesIO()
        with self.catalogue.open("rb") as file:
            write_mo(compiled, read_po(file, self.locale))
        compiled.seek(0)
        return GNUTranslations(compiled)

    def day(self, at: date) -> str:
        """Returns a day such as `29 November 2026`."""
        return dates.format_date(at, "long", locale=self.locale)

    def moment(self, at: datetime) -> str:
        """Returns a time such as `29 November 2026, 14:05 UTC`. Where the person is, is not
        known."""
        clock = f"{self.locale.time_formats['short'].pattern} z"
        time = dates.format_time(at, clock, UTC, self.locale)
        joined = str(self.locale.datetime_formats["medium"])
        return joined.replace("{1}", self.day(at)).replace("{0}", time)

    def month(self, first: date) -> str:
        """Returns a month such as `November 2026`."""
        return dates.format_skeleton("yMMMM", first, locale=self.locale)

    def span(self, span: timedelta) -> str:
        """Returns a span in its largest unit, such as `3 minutes`."""
        return dates.format_timedelta(span, threshold=1, locale=self.locale)

    def number(self, value: int) -> str:
        """Returns a number such as `1,250`."""
        return numbers.format_decimal(value, locale=self.locale)

    def amount(self, minor: int, currency: str) -> str:
        """Returns an amount such as `USD 1,250.00`, with as many decimals as `decimal` has. The
        currency is named by its code: purchases in several may stand together."""
        plain = decimal(minor, currency)
        _, point, part = plain.partition(".")
        pattern = self.locale.currency_formats["standard"].pattern
        pattern = pattern.replace("0.00", f"0{point}{'0' * len(part)}")
        # A code is set apart from the number, as the repository's rules for spacing have it.
        pattern = re.sub("¤(?=[#0])", "¤\N{NO-BREAK SPACE}", pattern).replace("¤", "¤¤")
        return numbers.format_currency(
            Decimal(plain), currency, pattern, self.locale, currency_digits=False
        )


SOURCE = "en"
"""The language that the texts are written in."""
# They are British English, which writes days and times without doubt.
ENGLISH = Language(SOURCE, Locale("en", "GB"), None)


def direction_of(code: str) -> str:
    """Returns the direction of any language by its tag of BCP 47, as HTML's `dir` has it."""
    return Locale.parse(code, sep="-").text_direction


def decimal(minor: int, currency: str) -> str:
    """Returns an amount in the currency's main unit, such as `1250.00`, for a file. It has as many
    decimals as the currency's minor unit has in ISO 4217, and two where the standard gives none, as
    on the kiosk's screen."""
    exponent = exponent_of(currency)
    return str(Decimal(minor).scaleb(-(2 if exponent is None else exponent)))


def only_text(cell: str) -> str:
    """Returns a cell of a file that no spreadsheet takes for a formula, also not one that parts the
    cells of a comma-separated file at other signs (OWASP, CSV Injection)."""
    return _FORMULA.sub("'", cell)


def minor_of(typed: str, currency: str) -> int | None:
    """Returns the minor units of an amount that somebody has typed in the currency's main unit,
    such as `12.50` or `12,5`; None for what is no amount above zero of it."""
    written = typed.strip()
    # Python also reads exponents, which may be too large for it, and underscores.
    if not _AMOUNT.fullmatch(written):
        return None
    exponent = exponent_of(currency)
    minor = Decimal(written.replace(",", ".")).scaleb(2 if exponent is None else exponent)
    return int(minor) if 0 < minor <= MOST_MINOR and minor == int(minor) else None
