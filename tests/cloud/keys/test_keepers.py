"""What keeps the key that wraps others: what it wraps is unwrapped for the same purpose, by the key
that has wrapped it as long as that is there; and whatever is wrong is told with its remedy."""

import re
import socket
from collections.abc import Generator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from moto.server import ThreadedMotoServer

from cloud.keys.keeper import KeysAway, KeysUnusable, Wrapped, opened
from tests.support.token import LABEL, SoftwareToken

SECRET = bytes(range(32))
REGION = "eu-central-1"


def wrap(address: str, purpose: str = "master key") -> Wrapped:
    with opened(address) as keeper:
        wrapped = keeper.wrap(SECRET, purpose)
        assert keeper.is_newest(wrapped.key_id)
    assert SECRET not in wrapped.wrapped
    return wrapped


def unwrap(address: str, wrapped: Wrapped, purpose: str = "master key") -> bytes:
    with opened(address) as keeper:
        return keeper.unwrap(wrapped, purpose)


def altered(wrapped: Wrapped) -> Wrapped:
    return Wrapped(wrapped.key_id, wrapped.wrapped[:-1] + bytes([wrapped.wrapped[-1] ^ 1]))


# A file


def key_file(path: Path, *keys: bytes) -> str:
    path.write_bytes(b"".join(key * 32 for key in keys))
    return f"file:{path}"


def test_a_key_in_a_file_unwraps_what_it_has_wrapped_for_its_purpose(tmp_path: Path):
    address = key_file(tmp_path / "kek", b"a")
    wrapped = wrap(address)
    assert unwrap(address, wrapped) == SECRET
    for wrong, purpose in ((wrapped, "another"), (altered(wrapped), "master key")):
        with pytest.raises(KeysUnusable, match="altered"):
            unwrap(address, wrong, purpose)


def test_the_first_key_in_a_file_wraps_and_those_behind_it_still_unwrap(tmp_path: Path):
    path = tmp_path / "kek"
    before = wrap(key_file(path, b"a"))
    address = key_file(path, b"b", b"a")
    assert unwrap(address, before) == SECRET
    assert wrap(address).key_id != before.key_id
    with opened(address) as keeper:
        assert not keeper.is_newest(before.key_id)
    with pytest.raises(KeysUnusable, match=f"does not hold the key {before.key_id} any more"):
        unwrap(key_file(path, b"b"), before)


@pytest.mark.parametrize("content", [b"", b"short", bytes(32), b"k" * 33])
def test_a_file_without_keys_is_told(tmp_path: Path, content: bytes):
    (tmp_path / "kek").write_bytes(content)
    with pytest.raises(KeysUnusable, match="does not hold keys of 32 random bytes"):
        wrap(f"file:{tmp_path / 'kek'}")


def test_a_file_may_be_a_credential_of_systemds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    key_file(tmp_path / "kek", b"a")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(KeysUnusable, match="LoadCredential="):
        wrap("file:kek")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert unwrap("file:kek", wrap("file:kek")) == SECRET
    (tmp_path / "kek").unlink()
    with pytest.raises(KeysUnusable, match="kek cannot be read: No such file"):
        wrap("file:kek")


@pytest.mark.parametrize("address", ["", "file", "file:", "vault:x", "../file:x", "hunter2"])
def test_an_address_that_names_no_key_is_told_and_not_quoted(address: str):
    with pytest.raises(KeysUnusable, match="aws-kms:, file:, pkcs11:") as told:
        wrap(address)
    assert "hunter2" not in str(told.value)


# A token


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftwareToken:
    made = SoftwareToken(tmp_path / "hsm", monkeypatch)
    made.make_key(1)
    return made


def test_a_token_unwraps_what_it_has_wrapped_for_its_purpose(token: SoftwareToken):
    wrapped = wrap(token.address)
    assert unwrap(token.address, wrapped) == SECRET
    for wrong, purpose in ((wrapped, "another"), (altered(wrapped), "master key")):
        with pytest.raises(KeysUnusable, match="altered"):
            unwrap(token.address, wrong, purpose)


def test_of_the_keys_in_a_token_the_one_with_the_largest_id_wraps_and_all_unwrap(
    token: SoftwareToken,
):
    before = wrap(token.address)
    token.make_key(2)
    assert wrap(token.address).key_id == "02"
    assert unwrap(token.address, before) == SECRET
    assert unwrap(token.address.replace("?", ";id=%01?"), before) == SECRET
    token.remove_key(1)
    with pytest.raises(KeysUnusable, match="with the id 01 any more"):
        unwrap(token.address, before)


def test_a_wrong_pin_is_told_by_its_file_and_not_tried_again(token: SoftwareToken):
    token.pin_file.write_text("654321")
    with pytest.raises(KeysUnusable, match="refuses the PIN in") as told:
        wrap(token.address)
    assert not isinstance(told.value, KeysAway), "whoever is told to start again would lock it"
    assert str(token.pin_file) in str(told.value)
    assert "654321" not in str(told.value)


def test_a_token_that_is_not_there_may_come_and_the_others_are_named(token: SoftwareToken):
    with pytest.raises(KeysAway, match=f"'other' is not there; there is '{LABEL}'"):
        wrap(token.address.replace(f"token={LABEL}", "token=other"))


@pytest.mark.parametrize(
    ("part", "wrong", "told"),
    [
        (r"object=\w+", "object=other", "holds no AES key 'other'"),
        (r"module-path=[^&]+", "module-path=/nowhere.so", "/nowhere.so cannot be loaded"),
        (r"pin-source=.+", "pin-source=/nowhere", "/nowhere cannot be read"),
        (r"pin-source=.+", "pin-value=1234", "into a file of its own"),
        (r"token=\w+", "slot-id=1", "lacks token and has 'slot-id'"),
    ],
)
def test_what_is_wrong_with_the_address_of_a_token_is_told(
    token: SoftwareToken, part: str, wrong: str, told: str
):
    with pytest.raises(KeysUnusable, match=told) as error:
        wrap(re.sub(part, wrong, token.address))
    assert "1234" not in str(error.value)


# A cloud's service


@pytest.fixture(scope="module")
def kms() -> Generator[str]:
    """Returns where a stand-in for AWS listens."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(kms: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Returns a client of the stand-in, which is set up as in a unit: by files that are named."""
    credentials = tmp_path / "aws"
    credentials.write_text("[default]\naws_access_key_id = palm\naws_secret_access_key = palm\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", kms)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return botocore.session.get_session().create_client("kms", region_name=REGION)


def make_kms_key(aws: Any) -> str:
    return f"aws-kms:{aws.create_key()['KeyMetadata']['Arn']}"


def test_a_clouds_key_unwraps_what_it_has_wrapped_for_its_purpose(aws: Any):
    address = make_kms_key(aws)
    wrapped = wrap(address)
    assert unwrap(address, wrapped) == SECRET
    with pytest.raises(KeysUnusable, match="altered"):
        unwrap(address, wrapped, "another")


def test_a_clouds_key_unwraps_what_it_has_wrapped_before_its_own_rotation(aws: Any):
    address = make_kms_key(aws)
    before = wrap(address)
    aws.rotate_key_on_demand(KeyId=address.removeprefix("aws-kms:"))
    assert unwrap(address, before) == SECRET


def test_a_key_that_a_cloud_does_not_have_is_told(aws: Any):
    arn = f"arn:aws:kms:{REGION}:123456789012:key/nowhere"
    with pytest.raises(KeysUnusable, match="does not exist in that account and region") as told:
        wrap(f"aws-kms:{arn}")
    assert not isinstance(told.value, KeysAway)
    with pytest.raises(KeysUnusable, match="not the ARN of a key"):
        wrap("aws-kms:alias/palms")


def test_a_cloud_that_is_not_reached_may_come_back(aws: Any, monkeypatch: pytest.MonkeyPatch):
    address = make_kms_key(aws)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", nobody)
        with pytest.raises(KeysAway, match="AWS is not reached"):
            wrap(address)


def test_credentials_that_are_missing_are_told(
    aws: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    address = make_kms_key(aws)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(KeysUnusable, match="no credentials for AWS"):
        wrap(address)
