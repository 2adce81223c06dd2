"""The message with a one-time code: what it says is true, and it is one message."""

from collections.abc import Callable

import pytest

from cloud.messages.length import fits_one_message
from cloud.people.one_time_codes import deletion_text, sign_in_text, text
from cloud.settings import Merchant, Portal, Settings


def test_the_message_says_where_the_code_is_entered() -> None:
    told = text("Corner Market", "204817")
    assert told == "204817 is your code. Enter it only at the kiosk of Corner Market."


@pytest.mark.parametrize(
    ("merchant", "kept"),
    [
        ("Königlich Bayerische Hofbäckerei & Konditorei Schwarzenberger am Marktplatz", 75),
        ("Shop " * 40, 100),
        ("Bäckerei [Süd] €" * 10, 60),
        ("寿司屋 さくら", 7),
        ("寿司屋 さくら 本店 東京都千代田区丸の内一丁目", 14),
        ("Łódzka Piekarnia Tradycyjna pod Zegarem", 14),
        ("🥐" * 30, 7),
        ("Line one\nLine two", 17),
        ("", 0),
    ],
)
def test_any_merchants_name_leaves_it_one_message(merchant: str, kept: int) -> None:
    told = text(merchant, "204817")
    assert fits_one_message(told)
    assert told.startswith("204817 ")
    assert "\n" not in told
    assert " ".join(merchant.split())[:kept] in told


def settings(merchant: str, url: str | None = None) -> Settings:
    """Returns settings with any name, also one that no file may have."""
    portal = Portal.model_validate({"url": url})
    named = Merchant().model_copy(update={"name": merchant})
    return Settings().model_copy(update={"merchant": named, "portal": portal})


@pytest.mark.parametrize("url", [None, "https://palms.corner-shop.example.com:8443"])
@pytest.mark.parametrize("tell", [sign_in_text, deletion_text])
@pytest.mark.parametrize(
    "merchant", ["Corner Shop", "Shop " * 40, "寿司屋 さくら 本店", "🥐" * 30, ""]
)
def test_a_message_for_the_portal_is_one_message_and_says_what_its_code_does(
    tell: Callable[[Settings, str], str], merchant: str, url: str | None
) -> None:
    told = tell(settings(merchant, url), "204817")
    assert fits_one_message(told)
    assert told.startswith("204817 ")
    assert ("DELETE" in told) is (tell is deletion_text)
    assert ("sign in to the portal" in told) is (tell is sign_in_text)
    assert "Nobody will ask you for it." in told


def test_a_code_for_the_portal_is_bound_to_its_address_by_the_last_line() -> None:
    told = sign_in_text(settings("Corner Shop", "https://palms.example.com"), "204817")
    assert told == (
        "204817 is your code to sign in to the portal of Corner Shop. Nobody will ask you for it.\n"
        "@palms.example.com #204817"
    )


@pytest.mark.parametrize(
    ("letters", "one_message"),
    [
        ("a" * 160, True),
        ("a" * 161, False),
        ("€" * 80, True),
        ("€" * 81, False),
        ("寿" * 70, True),
        ("寿" * 71, False),
        ("🥐" * 35, True),
        ("🥐" * 36, False),
    ],
)
def test_a_message_has_160_plain_characters_or_70_of_any(letters: str, one_message: bool) -> None:
    assert fits_one_message(letters) is one_message
