"""The operator's settings.

They are read from `settings.toml` in the state directory and from the environment, which takes
precedence: `PALM_CLOUD_MERCHANT__NAME="Corner Shop"` is `name = "Corner Shop"` under `[merchant]`.
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
        default="Corner Shop", min_length=1, max_length=64, description="Name that shoppers see."
    )
    country: str = Field(
        default="US", pattern="^[A-Z]{2}$", description="Country, as its ISO 3166-1 alpha-2 code."
    )
    currency: str = Field(
        default="USD",
        pattern="^[A-Z]{3}$",
        description="Currency of all sales, as its ISO 4217 code.",
    )


class Vault(Group):
    socket: Path | None = Field(
        default=None,
        description="Socket of a vault that runs by itself, as the systemd unit starts it. "
        "If unset, the service starts a vault of its own.",
    )


class Scheme(Group):
    version: int = Field(description="Version of the templates that are made and compared.")
    extractor: str = Field(
        validation_alias=AliasChoices("extractor", "signer"),
        description="module:class that makes templates, in the vault "
        "(`palm.template.interfaces.Extractor`). Its earlier name `signer` is still read.",
    )
    matcher: str = Field(
        description="module:class that compares templates, in the vault "
        "(`palm.template.interfaces.Matcher`)."
    )
    calibration: tuple[tuple[float, float], ...] = Field(
        description="Measured false-match rates of the matcher: pairs of [rate, score], highest "
        "rate first."
    )
    shortlist: int = Field(
        default=256,
        ge=1,
        description="Number of palms that a search compares in full: those with the nearest search "
        "codes.",
    )


class Recognition(Group):
    examiner: str = Field(
        default="cloud.vault.palms:PalmExaminer",
        description="module:class that judges captures, in the vault "
        "(`cloud.vault.examiner.Examiner`).",
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
                # Its search codes rank a palm in another pose badly (decision 11).
                shortlist=1024,
            ),
        ),
        min_length=1,
        description="Template versions in use. Palms are enrolled in the first. A palm that is "
        "enrolled in another is recognised in it, and enrolled in the first on that visit.",
    )


class Payments(Group):
    stripe_key: SecretStr | None = Field(
        default=None, description="Secret key of the Stripe account; not needed in the sandbox."
    )
    stripe_url: AnyHttpUrl | None = Field(
        default=None, description="Address of the Stripe API, if it is not Stripe's own."
    )


class Messages(Group):
    provider: Literal["none", "twilio"] = Field(
        default="none",
        description="Who sends text messages. In the sandbox, `none` simulates a phone.",
    )
    twilio_account: str = Field(default="", description="Account SID at Twilio.")
    twilio_token: SecretStr = Field(default=SecretStr(""), description="Auth token at Twilio.")
    twilio_from: str = Field(
        default="", description="Number that messages are sent from, in E.164."
    )


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="PALM_CLOUD_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    consent_version: str = Field(
        default="2026-11", description="Version of the consent wording that shoppers agree to."
    )
    max_pages: int | None = Field(
        default=None,
        ge=16,
        description="Largest size of the database, in pages of 4 KiB. If unset, there is no limit.",
    )
    liveness: Literal["required", "when_present"] = Field(
        default="when_present",
        description="`required` refuses palms without a light challenge. `when_present` judges a "
        "light challenge when there is one, and also accepts palms without.",
    )
    pulse_above: int | None = Field(
        default=None,
        ge=0,
        description="Amount, in the minor unit of the currency, above which a palm pays only with "
        "its pulse. If unset, no amount needs a pulse.",
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
    """Reads the settings from the file at `path`, if there is one, and from the environment.

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
