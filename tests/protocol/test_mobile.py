"""The rule for mobile numbers, shared by kiosk and service."""

import pytest

from protocol.mobile import NotANumber, NotMobile, is_international, read_mobile


@pytest.mark.parametrize(
    ("typed", "country", "e164"),
    [
        ("(415) 555-2671", "US", "+14155552671"),
        ("07400 123456", "GB", "+447400123456"),
        ("0151 23456789", "DE", "+4915123456789"),
        ("+44 7400 123456", "US", "+447400123456"),
        ("011 49 1512 3456789", "US", "+4915123456789"),
        ("11 2345 6789", "AR", "+5491123456789"),
        ("011 15 2345 6789", "AR", "+5491123456789"),
        ("+54 11 2345 6789", "US", "+5491123456789"),
        ("+54 9 11 2345 6789", "US", "+5491123456789"),
        ("55 1234 5678", "MX", "+525512345678"),
        ("1 55 1234 5678", "MX", "+525512345678"),
        ("044 55 1234 5678", "MX", "+525512345678"),
        ("045 55 1234 5678", "MX", "+525512345678"),
        ("01 55 1234 5678", "MX", "+525512345678"),
        ("00 49 1512 3456789", "FR", "+4915123456789"),
        ("0011 49 1512 3456789", "AU", "+4915123456789"),
        ("810 49 1512 3456789", "RU", "+4915123456789"),
        ("0021 49 1512 3456789", "BR", "+4915123456789"),
        ("010 49 1512 3456789", "JP", "+4915123456789"),
        ("00700 49 1512 3456789", "KR", "+4915123456789"),
        ("+49 (0) 1512 3456789", "US", "+4915123456789"),
        ("00 49 1512 3456789", "US", "+4915123456789"),
        ("011 49 1512 3456789", "DE", "+4915123456789"),
        ("0011 49 1512 3456789", "US", "+4915123456789"),
        ("011 52 1 55 1234 5678", "US", "+525512345678"),
        ("+52 1 55 1234 5678", "US", "+525512345678"),
    ],
)
def test_a_number_is_read_as_people_of_a_country_dial_it(typed: str, country: str, e164: str):
    assert read_mobile(typed, country) == e164


@pytest.mark.parametrize(
    ("typed", "country", "international"),
    [
        ("+", "US", True),
        ("011", "US", True),
        ("01", "US", False),
        ("00", "DE", True),
        ("0151", "DE", False),
        ("0011", "AU", True),
        ("810", "RU", True),
        ("", "US", False),
    ],
)
def test_a_number_of_another_country_is_known_by_how_it_begins(
    typed: str, country: str, international: bool
):
    assert is_international(typed, country) is international


def test_without_a_country_only_the_international_form_is_understood():
    assert read_mobile("+447400123456") == "+447400123456"
    with pytest.raises(NotANumber):
        read_mobile("07400 123456")


@pytest.mark.parametrize("typed", ["", "12", "hello", "+999 1234567", "+1 415 555"])
def test_what_cannot_be_a_number_is_none(typed: str):
    with pytest.raises(NotANumber):
        read_mobile(typed, "US")


def test_a_fixed_line_is_not_mobile():
    with pytest.raises(NotMobile):
        read_mobile("030 901820", "DE")


def test_no_message_quotes_the_number():
    for typed in ("030 901820", "12345"):
        with pytest.raises(ValueError, match="not a") as refused:
            read_mobile(typed, "DE")
        assert typed not in str(refused.value)
