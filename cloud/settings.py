"""What an operator can decide, each with its meaning.

Read from `settings.toml` in the state directory and from the environment, which wins:
`PALM_CLOUD_MERCHANT__NAME="Corner Shop"` is `name = "Corner Shop"` under `[merchant]`.
"""

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import (
    AliasChoices,
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from cloud.policy import FUSED_2, LINE_FIELD_1


class BadSettings(ValueError):
    """Settings that cannot be used: the message tells the operator the cause and the remedy."""


class Group(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, validate_by_name=True
    )


class Merchant(Group):
    name: str = Field(
        default="Corner Shop", min_length=1, max_length=64, description="As shoppers see it."
    )
    country: str = Field(default="US", pattern="^[A-Z]{2}$", description="ISO 3166-1 code.")
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$", description="ISO 4217 code.")


class Vault(Group):
    socket: Path | None = Field(
        default=None,
        description="Socket of a vault that runs by itself, as the systemd unit does; "
        "without one the service starts its own.",
    )


class Scheme(Group):
    version: int = Field(description="Of the templates that are made and compared.")
    extractor: str = Field(
        validation_alias=AliasChoices("extractor", "signer"),
        description="module:class that makes templates (`palm.template.interfaces.Signer`), "
        "in the vault.",
    )
    matcher: str = Field(
        description="module:class that compares them (`palm.template.interfaces.Matcher`), "
        "in the vault."
    )
    calibration: tuple[tuple[float, float], ...] = Field(
        description="Measured false-match rates of that matcher: [rate, score], rates falling."
    )
    shortlist: int = Field(
        default=256,
        ge=1,
        description="Palms, those whose codes lie nearest, that a search compares in full.",
    )


class Recognition(Group):
    examiner: str = Field(
        default="cloud.vault.palms:PalmExaminer",
        description="module:class that judges frames (`cloud.vault.examiner.Examiner`), in the "
        "vault.",
    )
    schemes: tuple[Scheme, ...] = Field(
        default=(
            Scheme(
                version=2,
                extractor="palm.template.fused:FusedExtractor",
                matcher="palm.template.fused:FusedMatcher",
                calibration=FUSED_2,
            ),
            Scheme(
                version=1,
                extractor="palm.template.linefield:LineFieldExtractor",
                matcher="palm.template.linefield:LineFieldMatcher",
                calibration=LINE_FIELD_1,
                # Its vectors tell little of a palm that is held otherwise (decision 11).
                shortlist=1024,
            ),
        ),
        min_length=1,
        description="The first is current: palms are enrolled in it. Whoever is enrolled in one of "
        "the others is recognised in that one and enrolled anew on the same visit.",
    )


class Payments(Group):
    stripe_key: SecretStr | None = Field(
        default=None, description="Secret key of the Stripe account. Not needed in the sandbox."
    )
    stripe_url: AnyHttpUrl | None = Field(
        default=None, description="Where the Stripe API is, if not at Stripe."
    )


class Messages(Group):
    provider: Literal["none", "twilio"] = Field(
        default="none", description="Who delivers one-time codes. The sandbox keeps them to itself."
    )
    twilio_account: str = Field(default="", description="Account SID.")
    twilio_token: SecretStr = Field(default=SecretStr(""), description="Auth token.")
    twilio_from: str = Field(default="", description="The sending number, in E.164.")


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="PALM_CLOUD_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    consent_version: str = Field(
        default="2026-11", description="The consent wording shoppers agree to."
    )
    max_pages: int | None = Field(
        default=None, ge=16, description="Cap on the database, in pages of 4 KiB; none unless set."
    )
    liveness: Literal["required", "when_present"] = Field(
        default="when_present",
        description="Whether palms are taken from kiosks without a light ring, unjudged.",
    )
    pulse_above: int | None = Field(
        default=None,
        ge=0,
        description="Amount, in the minor unit of the currency, above which only a palm pays whose "
        "pulse was seen; none unless set.",
    )
    merchant: Merchant = Merchant()
    vault: Vault = Vault()
    recognition: Recognition = Recognition()
    payments: Payments = Payments()
    messages: Messages = Messages()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load(path: Path) -> Settings:
    """Settings from the file at `path`, if there is one, and the environment.

    Raises BadSettings.
    """

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=path)

    remedy = f"Correct {path}, or remove it to use the defaults."
    try:
        return FromFile()
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{path} is not TOML: {error}. {remedy}") from None
    except UnicodeDecodeError:
        raise BadSettings(f"{path} is not text. {remedy}") from None
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise BadSettings(f"{path} or the environment: {faults}. {remedy}") from None
    except OSError as error:
        raise BadSettings(f"{path} cannot be read: {error.strerror}. {remedy}") from None
