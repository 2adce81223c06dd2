"""Credentials as a site's cards carry them: fields, parities, and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from protocol.credential import Credential, CredentialFormat

W26, W34, W35, W37, RAW_56, RAW_128 = CredentialFormat
FIELDS = {W26: (8, 16), W34: (16, 16), W35: (12, 20), W37: (16, 19)}
"""The bits of facility code and number."""


def value(credential: Credential) -> int:
    return int(credential.bits(), 2)


@pytest.mark.parametrize(
    ("card", "published"),
    [
        # The examples of Proxmark3's "lf hid sim" (client/src/cmdlfhid.c), less the header that
        # HID's cards have before the bits.
        (Credential(format=W26, facility=118, number=1603), 0x2006EC0C86 & (1 << 26) - 1),
        (Credential(format=W35, facility=118, number=1603), 0x2E0EC00C87 & (1 << 35) - 1),
        # A card in the documentation of Doppelgänger, a reader of cards.
        (Credential(format=W35, facility=2643, number=163271), 0x2D4A64FB8E & (1 << 35) - 1),
    ],
)
def test_the_cards_that_others_publish_have_these_bits(card: Credential, published: int) -> None:
    assert value(card) == published


@given(st.sampled_from(list(FIELDS)), st.data())
@settings(max_examples=40)
def test_facility_and_number_stand_between_parities_that_hold(
    form: CredentialFormat, data: st.DataObject
) -> None:
    of_facility, of_number = FIELDS[form]
    facility = data.draw(st.integers(0, 2**of_facility - 1))
    number = data.draw(st.integers(0, 2**of_number - 1))
    card = Credential(format=form, facility=facility, number=number)
    bits = card.bits()
    assert len(bits) == int(form.removeprefix("wiegand_"))
    assert Credential.read(form, bits) == card
    first = 2 if form == W35 else 1
    assert int(bits[first : first + of_facility], 2) == facility
    assert int(bits[first + of_facility : -1], 2) == number
    if form == W35:
        assert bits.count("1") % 2 == 1
        groups = [bits[at : at + 3] for at in range(1, 34, 3)]
        assert (bits[1] + "".join(group[1:] for group in groups)).count("1") % 2 == 0
        assert ("".join(group[:2] for group in groups) + bits[34]).count("1") % 2 == 1
    else:
        half = (len(bits) - 1) // 2 + 1
        assert bits[:half].count("1") % 2 == 0
        assert bits[-half:].count("1") % 2 == 1


@given(st.integers(0, 25))
@settings(max_examples=10)
def test_a_bit_that_was_turned_over_is_noticed(at: int) -> None:
    bits = Credential(format=W26, facility=118, number=1603).bits()
    turned = bits[:at] + ("0" if bits[at] == "1" else "1") + bits[at + 1 :]
    with pytest.raises(ValueError, match="not the bits of wiegand_26"):
        Credential.read(W26, turned)


@given(st.sampled_from([RAW_56, RAW_128]), st.data())
@settings(max_examples=20)
def test_a_raw_number_is_all_its_bits(form: CredentialFormat, data: st.DataObject) -> None:
    size = int(form.removeprefix("raw_"))
    number = data.draw(st.integers(0, 2**size - 1))
    bits = Credential(format=form, number=number).bits()
    assert (len(bits), int(bits, 2)) == (size, number)


@pytest.mark.parametrize(
    ("form", "facility", "number", "wrong"),
    [
        (W26, 256, 77123, "the facility code of wiegand_26 is at most 255"),
        (W26, 255, 77123, "the number of wiegand_26 has at most 16 bits"),
        (W35, None, 77123, "needs a facility code"),
        (RAW_56, 12, 77123, "has no facility code"),
        (RAW_56, None, 77123 << 56, "the number of raw_56 has at most 56 bits"),
        (W37, 12, -77123, "greater than or equal to 0"),
    ],
)
def test_what_does_not_fit_is_told_without_the_number(
    form: CredentialFormat, facility: int | None, number: int, wrong: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        Credential(format=form, facility=facility, number=number)
    assert wrong in str(refused.value)
    assert "77123" not in str(refused.value)
    assert "77123" not in repr(refused.value)


def test_a_credential_that_is_printed_shows_no_number() -> None:
    assert "1603" not in repr(Credential(format=W26, facility=118, number=1603))
