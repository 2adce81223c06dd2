"""A key opens what was sealed with it, in its place only."""

from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidTag

from cloud.keys.person_keys import Key, MasterKey
from cloud.people.accounts import Profile


def test_a_sealed_value_opens_in_its_own_place_only():
    key = Key.generate()
    sealed = key.seal(b"value", "cards.detail/1")
    assert key.open(sealed, "cards.detail/1") == b"value"
    with pytest.raises(InvalidTag):
        key.open(sealed, "cards.detail/2")
    with pytest.raises(InvalidTag):
        Key.generate().open(sealed, "cards.detail/1")


def test_a_persons_key_is_unwrapped_for_that_person_only():
    master = MasterKey(bytes(32))
    key = Key.generate()
    wrapped = master.wrap(key, "person_1")
    assert master.unwrap(wrapped, "person_1") == key
    with pytest.raises(InvalidTag):
        master.unwrap(wrapped, "person_2")
    with pytest.raises(InvalidTag):
        MasterKey(bytes([1] * 32)).unwrap(wrapped, "person_1")


def test_a_key_and_a_number_are_not_printed():
    key = Key.generate()
    profile = Profile(phone="+14155550123", consent_version="1", agreed_at=datetime.now(UTC))
    assert repr(key.raw) not in repr(key)
    assert "4155550123" not in repr(profile)
