"""A telephone number while it is typed, in the notation of a country."""

from phonenumbers import AsYouTypeFormatter
from PySide6.QtCore import Property, QObject, Signal

from protocol.mobile import LONGEST_DIALLED, is_international


class PhoneNumber(QObject):
    """Groups `digits` in the notation of `country` (ISO 3166-1 alpha-2): `grouped` is 010 1234 5678
    in Korea and (201) 555-0142 in the United States. `international` tells whether the digits begin
    with a plus or with the country's prefix for other countries. `longest` is the largest number of
    digits."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._country = ""
        self._digits = ""

    def _get_country(self) -> str:
        return self._country

    def _set_country(self, country: str) -> None:
        self._country = country
        self.changed.emit()

    def _get_digits(self) -> str:
        return self._digits

    def _set_digits(self, digits: str) -> None:
        self._digits = digits
        self.changed.emit()

    def _grouped(self) -> str:
        formatter = AsYouTypeFormatter(self._country)
        grouped = ""
        for digit in self._digits:
            grouped = formatter.input_digit(digit)
        return grouped

    def _international(self) -> bool:
        return is_international(self._digits, self._country)

    def _longest(self) -> int:
        return LONGEST_DIALLED

    country = Property(str, _get_country, _set_country, notify=changed)
    digits = Property(str, _get_digits, _set_digits, notify=changed)
    grouped = Property(str, _grouped, notify=changed)
    international = Property(bool, _international, notify=changed)
    longest = Property(int, _longest, constant=True)
