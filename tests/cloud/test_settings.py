"""Settings: what earlier files mean, and what an operator is told about wrong ones."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from cloud import plugins, settings
from cloud.bootstrap import obstacles
from cloud.settings import BadSettings, Vault
from cloud.vault.client import VaultClient
from palm.template.fused import FusedExtractor, FusedMatcher
from palm.template.linefield import LineFieldExtractor, LineFieldMatcher
from tests.support.warm import warm_starts

BEFORE_0_2 = """\
[[recognition.schemes]]
version = 2
signer = "palm.fused:FusedSigner"
matcher = "palm.fused:FusedMatcher"
calibration = [[1e-3, 5.27], [1e-4, 6.72]]

[[recognition.schemes]]
version = 1
signer = "palm.linefield:LineFieldSigner"
matcher = "palm.linefield:LineFieldMatcher"
calibration = [[1e-3, 0.393], [1e-4, 0.418]]
shortlist = 1024
"""


def test_the_names_of_earlier_settings_mean_the_present_parts(tmp_path: Path):
    (tmp_path / "settings.toml").write_text(BEFORE_0_2)
    fused, line_field = settings.load(tmp_path / "settings.toml").recognition.schemes
    assert isinstance(plugins.make(fused.extractor), FusedExtractor)
    assert isinstance(plugins.make(fused.matcher), FusedMatcher)
    assert isinstance(plugins.make(line_field.extractor), LineFieldExtractor)
    assert isinstance(plugins.make(line_field.matcher), LineFieldMatcher)


def test_a_vault_runs_with_earlier_settings(tmp_path: Path):
    (tmp_path / "settings.toml").write_text(BEFORE_0_2)
    recognition = settings.load(tmp_path / "settings.toml").recognition

    async def run() -> list[int]:
        async with VaultClient(Vault(), recognition, tmp_path / "vault") as vault:
            return vault.introduction.versions

    with warm_starts():
        assert asyncio.run(run()) == [2, 1]


# What is wrong is told at once


def refused(path: Path, content: str, *, sandbox: bool = True) -> str:
    """Returns what the operator is told of a settings.toml, which must not be usable."""
    path.joinpath("settings.toml").write_text(content)
    with pytest.raises(BadSettings) as wrong:
        settings.load(path / "settings.toml", partial(obstacles, sandbox=sandbox))
    return str(wrong.value)


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("UK", "; did you mean GB?"),
        ("gb", "; did you mean GB?"),
        ("EL", "; did you mean GR?"),
        ("USA", "; did you mean US?"),
        ("XX", ""),
        ("EU", ""),
        ("", ""),
    ],
)
def test_a_country_that_does_not_exist_is_refused(tmp_path: Path, code: str, meant: str):
    told = refused(tmp_path, f'[merchant]\ncountry = "{code}"')
    country = "country of ISO 3166-1 with mobile numbers"
    assert f"merchant.country: '{code}' is no {country}{meant}" in told


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("GPB", "GBP?"),
        ("UDS", "USD?"),
        ("usd", "USD?"),
        ("RMB", "CNY?"),
        ("EURO", "EUR?"),
        ("DEM", ""),
        # Gold and the code for tests are in the standard, and are no money to pay with.
        ("XAU", ""),
        ("XTS", ""),
    ],
)
def test_a_currency_that_does_not_exist_is_refused(tmp_path: Path, code: str, meant: str):
    told = refused(tmp_path, f'[merchant]\ncurrency = "{code}"')
    assert f"merchant.currency: '{code}' is no currency of ISO 4217" in told
    assert meant in told


@pytest.mark.parametrize(
    ("country", "currency"), [("GB", "GBP"), ("HU", "HUF"), ("XK", "EUR"), ("UG", "UGX")]
)
def test_a_country_and_a_currency_that_exist_are_taken(tmp_path: Path, country: str, currency: str):
    (tmp_path / "settings.toml").write_text(
        f'[merchant]\ncountry = "{country}"\ncurrency = "{currency}"'
    )
    loaded = settings.load(tmp_path / "settings.toml")
    assert (loaded.merchant.country, loaded.merchant.currency) == (country, currency)


def test_digits_are_asked_for_above_an_amount_of_a_currency(tmp_path: Path):
    (tmp_path / "settings.toml").write_text("digits_above = 5000")
    loaded = settings.load(tmp_path / "settings.toml")
    assert loaded.digits_limit("USD") == 5000
    assert loaded.digits_limit("EUR") == 0, "none is set for it"
    assert settings.Settings().digits_limit("USD") is None


def test_every_wrong_setting_is_named_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PALM_CLOUD_MAX_PAGES", "3")
    told = refused(
        tmp_path,
        """\
        concent_version = "2027-01"
        pulse_above = { GBP = 10000, GPB = 1 }

        [merchant]
        country = "UK"
        currency = "GPB"

        [payments]
        stripe_key = "pk_live_of_nobody"

        [messages]
        provider = "twilio"
        twilio_token = "of_nobody"

        [[recognition.schemes]]
        version = 1
        extractor = "a:B"
        matcher = "a:C"
        calibration = [[1e-4, 2.0], [1e-3, 3.0]]
        """,
        sandbox=False,
    )
    for name in (
        "concent_version",
        "max_pages",
        "pulse_above.GPB",
        "merchant.country",
        "merchant.currency",
        "payments.stripe_key",
        "twilio_account, twilio_from",
        "recognition.schemes.0.calibration",
        "liveness",
    ):
        assert name in told
    assert "of_nobody" not in told


def test_what_is_missing_is_named_together_with_what_is_wrong(tmp_path: Path):
    told = refused(tmp_path, '[merchant]\ncountry = "UK"', sandbox=False)
    assert "merchant.country" in told
    assert "stripe_key" in told
    assert "liveness" in told


def test_a_currency_that_the_provider_does_not_carry_is_refused(tmp_path: Path):
    told = refused(tmp_path, '[merchant]\ncurrency = "IQD"')
    assert "does not carry IQD" in told


# Decisions that nobody may forget

TWILIO = """\
[messages]
provider = "twilio"
twilio_account = "AC1"
twilio_token = "of_nobody"
twilio_from = "+15550100"
"""


@pytest.mark.parametrize(
    ("content", "sandbox"),
    [
        ('[payments]\nstripe_key = "sk_live_1"', False),
        ('[payments]\nstripe_key = "sk_live_1"', True),
        (TWILIO, True),
    ],
    ids=["real money", "real money in the sandbox", "real messages"],
)
def test_a_hosted_service_needs_a_decision_about_liveness(
    tmp_path: Path, content: str, sandbox: bool
):
    told = refused(tmp_path, content, sandbox=sandbox)
    assert 'liveness = "required"' in told
    assert 'liveness = "when_present"' in told
    for decision in ("required", "when_present"):
        (tmp_path / "settings.toml").write_text(f'liveness = "{decision}"\n{content}')
        loaded = settings.load(tmp_path / "settings.toml", partial(obstacles, sandbox=sandbox))
        assert loaded.light_required == (decision == "required")


@pytest.mark.parametrize(
    "content", ["# nothing is set", "max_pages = 4096", '[messages]\nprovider = "none"']
)
def test_a_trial_without_real_money_or_messages_needs_no_decision(tmp_path: Path, content: str):
    (tmp_path / "settings.toml").write_text(content)
    loaded = settings.load(tmp_path / "settings.toml", partial(obstacles, sandbox=True))
    assert not loaded.light_required


# Amounts are of a currency


def test_a_plain_amount_is_in_the_merchants_currency(tmp_path: Path):
    (tmp_path / "settings.toml").write_text('pulse_above = 5000\n[merchant]\ncurrency = "HUF"')
    loaded = settings.load(tmp_path / "settings.toml")
    assert loaded.pulse_above == {"HUF": 5000}
    assert loaded.pulse_limit("HUF") == 5000


def test_an_amount_with_a_currency_means_that_currency(tmp_path: Path):
    (tmp_path / "settings.toml").write_text("pulse_above = { USD = 10000, EUR = 9000 }")
    assert settings.load(tmp_path / "settings.toml").pulse_limit("USD") == 10000


def test_amounts_in_other_currencies_only_are_refused(tmp_path: Path):
    told = refused(tmp_path, "pulse_above = { USD = 10000 }\n[merchant]\ncurrency = 'HUF'")
    assert "pulse_above: an amount in HUF, the merchant's currency, is needed" in told


@pytest.mark.parametrize("amount", ["true", "-1", "100.5", '"100"'])
def test_what_is_not_a_whole_amount_is_refused(tmp_path: Path, amount: str):
    assert "pulse_above" in refused(tmp_path, f"pulse_above = {amount}")


def test_an_amount_can_be_set_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for written in ("5000", '{"USD": 5000}'):
        monkeypatch.setenv("PALM_CLOUD_PULSE_ABOVE", written)
        assert settings.load(tmp_path / "settings.toml").pulse_limit("USD") == 5000
