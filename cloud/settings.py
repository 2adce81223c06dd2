"""The operator's settings.

They are read from `settings.toml` in the state directory and from the environment, which takes
precedence: `PALM_CLOUD_MERCHANT__NAME="Corner Shop"` is `name = "Corner Shop"` under `[merchant]`.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import iso4217
from phonenumbers import SUPPORTED_REGIONS
from pydantic import (
    AfterValidator,
    AliasChoices,
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyAddress,
    SecretStr,
    StrictInt,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from cloud.law import Law, find_law
from palm.calibration import FUSED_2, LEVELLED_3, LINE_FIELD_1, Calibration
from protocol.files import read_if_there

CURRENCIES = [currency.code for currency in iso4217.Currency if currency.exponent is not None]
"""The codes of ISO 4217 that name money; those of metals and for tests have no minor unit."""

_USUAL_MISTAKES = {"UK": "GB", "EL": "GR", "USA": "US", "RMB": "CNY", "NTD": "TWD", "STG": "GBP"}
"""Codes in everyday use that are not in the standards, each with the code that is meant."""


def _country(code: str) -> str:
    # People are known by their mobile numbers, so a country must have some.
    return _known(code, sorted(SUPPORTED_REGIONS), "country of ISO 3166-1 with mobile numbers")


def _currency(code: str) -> str:
    return _known(code, CURRENCIES, "currency of ISO 4217")


def _known(code: str, known: Sequence[str], what: str) -> str:
    if code in known:
        return code
    near = _USUAL_MISTAKES.get(code.upper(), code.upper())
    # Swapped letters come first: GPB stands for GBP rather than for PAB.
    close = [near] if near in known else [c for c in known if sorted(c) == sorted(near)]
    close = close or get_close_matches(near, known, n=2)
    meant = f"; did you mean {' or '.join(close)}?" if close else ""
    # The code is quoted when it is short enough to be one: anything else may be a secret.
    quoted = f"'{code}' is" if len(code) <= 4 else "this is"
    raise ValueError(f"{quoted} no {what}{meant}")


CurrencyCode = Annotated[str, AfterValidator(_currency)]
RegionName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")]
"""A name that the operator gives to a region, such as `eu-west`."""


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
    country: Annotated[str, AfterValidator(_country)] = Field(
        default="US", description="Country, as its ISO 3166-1 alpha-2 code."
    )
    currency: CurrencyCode = Field(
        default="USD", description="Currency of all sales, as its ISO 4217 code."
    )
    account: str | None = Field(
        default=None,
        pattern=r"^acct_\w+$",
        description="The merchant's own account, connected to the Stripe account whose key is set. "
        "If unset, sales go to the account of that key.",
    )
    region: RegionName | None = Field(
        default=None,
        description="Region that the palms of the merchant's people may not leave: a service of "
        "another region stores none of them. If unset, a service of any region does.",
    )


class Vault(Group):
    socket: Path | None = Field(
        default=None,
        description="Socket of a vault that runs by itself, such as the one of the systemd unit. "
        "If neither this nor `sockets` is set, the service starts vaults of its own.",
    )
    sockets: tuple[Path, ...] = Field(
        default=(),
        description="Sockets of further vaults that run by themselves with the same keys; "
        "`./run cloud vault` starts one.",
    )
    count: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Number of vaults that the service starts. Each is a process that makes and "
        "compares templates.",
    )

    @property
    def by_themselves(self) -> tuple[Path, ...]:
        """The sockets of all vaults that run by themselves."""
        return self.sockets if self.socket is None else (self.socket, *self.sockets)


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
        description="Number of palms that a search first compares in full: those with the nearest "
        "search codes. While none of them matches with certainty, the search goes on, to at most "
        "3 % of the gallery and 4,096 palms (docs/scale.md).",
    )

    @field_validator("calibration")
    @classmethod
    def _falls(cls, points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        Calibration(points)
        return points


class Recognition(Group):
    examiner: str = Field(
        default="cloud.vault.palms:PalmExaminer",
        description="module:class that judges captures, in the vault "
        "(`cloud.vault.examiner.Examiner`).",
    )
    schemes: tuple[Scheme, ...] = Field(
        default=(
            Scheme(
                version=3,
                extractor="palm.template.levelled:LevelledExtractor",
                matcher="palm.template.levelled:LevelledMatcher",
                calibration=LEVELLED_3,
            ),
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
        description="Template versions in use. Palms are enrolled in the first version. A palm "
        "of another version is recognised in that one, and enrolled in the first on the same "
        "visit.",
    )


class Payments(Group):
    stripe_key: SecretStr | None = Field(
        default=None, description="Secret key of the Stripe account; not needed in the sandbox."
    )
    stripe_url: AnyHttpUrl | None = Field(
        default=None, description="Address of the Stripe API, if it is not Stripe's own."
    )
    webhook_secret: SecretStr | None = Field(
        default=None,
        description="Secret by which Stripe signs the events it sends to /v1/webhooks/stripe.",
    )
    return_url: AnyHttpUrl | None = Field(
        default=None,
        description="Page that a shopper's phone shows after a card was saved with it. Needed "
        "where kiosks have no card terminal.",
    )

    @field_validator("stripe_key")
    @classmethod
    def _is_secret(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and not key.get_secret_value().startswith(("sk_", "rk_")):
            raise ValueError("a secret key of Stripe's begins with sk_ or rk_")
        return key

    @field_validator("webhook_secret")
    @classmethod
    def _is_of_a_webhook(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not secret.get_secret_value().startswith("whsec_"):
            raise ValueError("the secret of Stripe's webhook begins with whsec_")
        return secret


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

    @model_validator(mode="after")
    def _complete(self) -> "Messages":
        if self.provider == "twilio":
            given = {
                "twilio_account": self.twilio_account,
                "twilio_token": self.twilio_token.get_secret_value(),
                "twilio_from": self.twilio_from,
            }
            missing = [name for name, value in given.items() if not value]
            if missing:
                raise ValueError(f'provider = "twilio" also needs {", ".join(missing)}')
        return self


_HOST_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*",
    re.ASCII | re.IGNORECASE,
)
"""A host name as in certificates (RFC 1123), and with underscores, which some machines have."""


def is_host(name: str) -> bool:
    """Returns whether this is a host name or an IP address."""
    try:
        ip_address(name)
    except ValueError:
        return _HOST_NAME.fullmatch(name) is not None
    return True


def _host(name: str) -> str:
    if not is_host(name):
        raise ValueError("neither a host name nor an IP address")
    return name


_MAIL_ADDRESS = re.compile(r"(?=.{3,254}$)[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@([^@]+)", re.ASCII)


def is_mail_address(text: str) -> bool:
    """Returns whether this is the address of a mailbox (RFC 5321, 4.1.2), without quotes and of a
    domain with a dot in it."""
    found = _MAIL_ADDRESS.fullmatch(text)
    if found is None or "." not in found[1] or _HOST_NAME.fullmatch(found[1]) is None:
        return False
    name = text.partition("@")[0]
    return not (name.startswith(".") or name.endswith(".") or ".." in name)


class MailServer(Group):
    provider: Literal["none", "smtp"] = Field(
        default="none",
        description="Who sends mails about uses of a palm to people who have chosen that in the "
        "portal. With `none`, the portal does not offer it; in the sandbox, the simulated phone "
        "gets the mails.",
    )
    smtp_host: str = Field(default="", description="Name of the mail server.")
    smtp_port: int = Field(
        default=465,
        ge=1,
        le=65535,
        description="Port of the mail server: usually 465, or 587 with STARTTLS.",
    )
    smtp_tls: Literal["at_once", "starttls"] = Field(
        default="at_once",
        description="When TLS begins: with the connection, or by STARTTLS. Nothing is sent "
        "without TLS.",
    )
    smtp_user: str = Field(default="", description="User at the mail server, if it asks for one.")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="Password of that user.")
    smtp_from: str = Field(
        default="",
        description="Address that mails are sent from, under the first merchant's name.",
    )

    @model_validator(mode="after")
    def _complete(self) -> "MailServer":
        if self.provider == "smtp":
            if not self.smtp_host:
                raise ValueError('provider = "smtp" also needs smtp_host')
            if not is_mail_address(self.smtp_from):
                raise ValueError("smtp_from must be an address such as palms@example.com")
            if bool(self.smtp_user) != bool(self.smtp_password.get_secret_value()):
                raise ValueError("smtp_user and smtp_password belong together")
        return self


class Serving(Group):
    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on; 0.0.0.0 or :: for all. --host takes precedence.",
    )
    port: int = Field(
        default=7256,
        ge=0,
        le=65535,
        description="Port to listen on; 0 takes a free one. --port takes precedence.",
    )
    names: tuple[Annotated[str, AfterValidator(_host)], ...] = Field(
        default=(),
        description="Host names and IP addresses by which kiosks call the service. The certificate "
        "is for these, for the address that the service listens on (all of this machine's "
        "addresses, when it listens on all), for this machine's name and for localhost. The first "
        "name is announced to kiosks on the network.",
    )


class Pages(Group):
    """Pages at an address of their own."""

    url: AnyHttpUrl | None = None

    @field_validator("url")
    @classmethod
    def _is_an_origin(cls, url: AnyHttpUrl | None) -> AnyHttpUrl | None:
        if url is not None and (url.scheme != "https" or url.path not in ("", "/") or url.query):
            raise ValueError("it must begin with https:// and end after the host name or the port")
        return url


class Portal(Pages):
    url: AnyHttpUrl | None = Field(
        default=None,
        description="Address at which customers find the portal, such as "
        "https://palms.example.com; its pages are below /portal. If unset, there is a portal only "
        "in the sandbox, at the service's own address.",
    )
    proxies: tuple[IPvAnyAddress, ...] = Field(
        default=(),
        description="Addresses of the reverse proxies in front of the portal and the console, "
        "whose X-Forwarded-For is believed. Everybody behind a proxy that is not named here "
        "counts as one sender.",
    )


class Oidc(Group):
    """The operator's own identity provider, with which staff may sign in (OpenID Connect)."""

    issuer: str = Field(
        description="Issuer of the provider, as in its discovery document, such as "
        "https://login.example.com/realms/shop. The redirect address to register there is "
        "/console/oidc/callback below console.url.",
    )
    client_id: str = Field(min_length=1, description="Client id of the console at the provider.")
    client_secret: SecretStr | None = Field(
        default=None,
        description="Secret with which the console authenticates itself to the provider. Set it in "
        "the environment, or name a file instead.",
    )
    client_secret_file: Path | None = Field(
        default=None,
        description="File that holds the secret and nothing else. It is read at each sign-in.",
    )
    name: str | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        description="What staff call the provider. If unset, the host name of its issuer.",
    )

    @field_validator("issuer")
    @classmethod
    def _is_an_issuer(cls, issuer: str) -> str:
        parts = urlsplit(issuer)
        if not is_safe(issuer) or parts.query or parts.fragment:
            raise ValueError("it must begin with https:// and have neither a query nor a fragment")
        return issuer

    @model_validator(mode="after")
    def _complete(self) -> "Oidc":
        if (self.client_secret is None) is (self.client_secret_file is None):
            raise ValueError("either client_secret or client_secret_file is needed")
        return self

    @property
    def called(self) -> str:
        """The name of the provider on the console's pages."""
        return self.name or urlsplit(self.issuer).hostname or ""

    def secret(self) -> str:
        """Returns the secret of the client. Raises OSError and ValueError when its file cannot be
        read."""
        if self.client_secret_file is not None:
            return self.client_secret_file.read_text("utf-8").strip()
        assert self.client_secret is not None
        return self.client_secret.get_secret_value()


def is_safe(url: str) -> bool:
    """Returns whether nobody can read on the way what is sent to an address: it is HTTPS, or on
    this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return (parts.scheme == "https" and bool(host)) or (parts.scheme == "http" and _is_here(host))


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Console(Pages):
    url: AnyHttpUrl | None = Field(
        default=None,
        description="Address at which staff find the console, such as https://staff.example.com; "
        "its pages are below /console. If unset, there is a console only in the sandbox, at the "
        "service's own address.",
    )
    oidc: Oidc | None = Field(
        default=None,
        description="The operator's own identity provider, with which staff can sign in besides "
        "passkeys. If unset, they sign in with passkeys only.",
    )


class Telemetry(Group):
    endpoint: AnyHttpUrl | None = Field(
        default=None,
        description="Collector that gets the service's metrics, and traces of its requests, by "
        "OTLP over HTTP, such as http://127.0.0.1:4318. If unset, nothing is sent.",
    )


class Webhooks(Group):
    private_addresses: bool = Field(
        default=False,
        description="Whether integrators' webhooks may be sent to this machine and to networks "
        "that are not public. Set it only where the systems of your merchants are on the service's "
        "network, and no other system there trusts everybody who can reach it.",
    )


class Service(Group):
    region: RegionName | None = Field(
        default=None,
        description="Region in which this service and its database are, such as eu-west. A "
        "merchant can have a region that the palms of its people may not leave (docs/scale.md, "
        "Regions). Once set, it cannot be changed: the database keeps it.",
    )
    elsewhere: dict[RegionName, AnyHttpUrl] = Field(
        default={},
        description="Addresses of your services of other regions. A kiosk that calls the wrong "
        'service is told the right one: { us-east = "https://us.palms.example.com" }.',
    )


class Retention(Group):
    inactive_months: int = Field(
        default=12,
        ge=3,
        le=36,
        description="Months without use after which an account is deleted. Its holder is warned by "
        "text message, at least 30 days before and again at least 7 days before.",
    )


def _law(code: str) -> str:
    return find_law(code).code


LawCode = Annotated[str, AfterValidator(_law)]


class Privacy(Group):
    law: LawCode = Field(
        default="plain",
        description="Law of the sites that have no law of their own (`./run cloud staff sites`): "
        "US-IL, US-TX, US-WA, US-CO, US-NY-NYC, EU, GB or plain. It decides which texts shoppers "
        "are asked to agree to (docs/law.md).",
    )
    operator: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description="Name and address of whoever is responsible for the data. If unset, the name "
        "of the first merchant. People read it in the texts that they agree to, and in the policy.",
    )
    contact: str | None = Field(
        default=None,
        min_length=3,
        max_length=128,
        description="Mail address or telephone number of the operator, for questions about the "
        "data. Needed where the law of any site is not plain.",
    )
    reviewed: date | None = Field(
        default=None,
        description="Day on which the policy was last reviewed. Where Colorado's law applies, the "
        "service warns when that was a year ago.",
    )


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="PALM_CLOUD_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    master_key: str | None = Field(
        default=None,
        min_length=1,
        description="The key that wraps the master key, and the keys of a vault that the service "
        "starts: `file:PATH`, `pkcs11:token=…;object=…?module-path=…&pin-source=…`, "
        "`aws-kms:ARN`, or `plain` (docs/operating.md, Where the keys lie). If unset, the keys "
        "stay as they are, and new ones are plain.",
    )
    max_pages: int | None = Field(
        default=None,
        ge=16,
        description="Largest size of the database, in pages of 4 KiB; deletions may exceed it. If "
        "unset, there is no limit.",
    )
    liveness: Literal["required", "when_present"] | None = Field(
        default=None,
        description="`required` refuses palms without a light challenge. `when_present` judges a "
        "light challenge when there is one, and also accepts palms without one, from kiosks that "
        "have no light ring. It must be set when real payments or messages are; otherwise it is "
        "`when_present`.",
    )
    merchant: Merchant = Field(
        default=Merchant(),
        description="The first merchant; others are added with `./run cloud staff`.",
    )
    pulse_above: dict[CurrencyCode, Annotated[StrictInt, Field(ge=0)]] | None = Field(
        default=None,
        description="Amounts above which a palm pays only with its pulse, by currency, in its "
        "minor unit: { USD = 10000 }. A single number is an amount in the merchant's currency. In "
        "a currency that is not named, every amount needs a pulse. If unset, no amount does.",
    )
    digits_above: dict[CurrencyCode, Annotated[StrictInt, Field(ge=0)]] | None = Field(
        default=None,
        description="Amounts above which a palm pays only with the last four digits of its number, "
        "however clearly it was recognised; written like pulse_above. If unset, no amount needs "
        "them.",
    )
    staff_above: dict[CurrencyCode, Annotated[StrictInt, Field(ge=0)]] | None = Field(
        default=None,
        description="Amounts above which a palm pays only once staff have seen the hand, and said "
        "so at the kiosk with their PIN; written like pulse_above. If unset, no amount needs that.",
    )
    service: Service = Service()
    serving: Serving = Serving()
    vault: Vault = Vault()
    recognition: Recognition = Recognition()
    payments: Payments = Payments()
    messages: Messages = Messages()
    mail: MailServer = MailServer()
    portal: Portal = Portal()
    telemetry: Telemetry = Telemetry()
    console: Console = Console()
    webhooks: Webhooks = Webhooks()
    retention: Retention = Retention()
    privacy: Privacy = Privacy()

    @property
    def law(self) -> Law:
        """The law of the sites that have no law of their own."""
        return find_law(self.privacy.law)

    @property
    def operator(self) -> str:
        """The name of whoever is responsible for the data."""
        return self.privacy.operator or self.merchant.name

    @field_validator("pulse_above", "digits_above", "staff_above", mode="before")
    @classmethod
    def _in_the_merchants_currency(cls, above: Any, info: ValidationInfo) -> Any:
        merchant = info.data.get("merchant")
        if above is None:
            return None
        if merchant is None:
            # The group [merchant] has an error of its own, which is reported.
            return above if isinstance(above, dict) else {}
        if not isinstance(above, dict):
            return {merchant.currency: above}
        if merchant.currency not in above:
            raise ValueError(
                f"an amount in {merchant.currency}, the merchant's currency, is needed"
            )
        return above

    @property
    def light_required(self) -> bool:
        """Whether palms without a light challenge are refused."""
        return self.liveness == "required"

    def pulse_limit(self, currency: str) -> int | None:
        """Returns the amount above which a palm pays only with its pulse, in the minor unit: None
        when no amount needs a pulse, and 0 for a currency that the setting does not name."""
        return _limit(self.pulse_above, currency)

    def digits_limit(self, currency: str) -> int | None:
        """Returns the amount above which a palm pays only with digits of the number, in the form of
        `pulse_limit`."""
        return _limit(self.digits_above, currency)

    def staff_limit(self, currency: str) -> int | None:
        """Returns the amount above which staff have to see the hand, in the form of
        `pulse_limit`."""
        return _limit(self.staff_above, currency)

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


def _limit(above: Mapping[str, int] | None, currency: str) -> int | None:
    return None if above is None else above.get(currency, 0)


def load(path: Path, check: Callable[[Mapping[str, Any]], Sequence[str]] | None = None) -> Settings:
    """Reads the settings from the file at `path`, if there is one, and from the environment.

    `check` gets the settings that are set and returns what else is wrong with them, in sentences.
    Raises BadSettings, which names all faults at once.
    """
    faults: list[str] = []

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=path)

        @model_validator(mode="before")
        @classmethod
        def _check(cls, given: dict[str, Any]) -> dict[str, Any]:
            if check is not None:
                faults.extend(check(given))
            return given

    remedy = f"Correct {path}, or remove it to use the defaults."
    try:
        # A power cut may leave an empty file, which must not count as "nothing is set".
        content = read_if_there(path)
        if content is not None and not content.strip():
            raise BadSettings(f"{path} is empty. Restore it, or remove it to use the defaults.")
        settings = FromFile()
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{path} is not TOML: {error}. {remedy}") from None
    except UnicodeDecodeError:
        raise BadSettings(f"{path} is not text. {remedy}") from None
    except ValidationError as error:
        faults[:0] = [
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        ]
    except OSError as error:
        raise BadSettings(f"{path} cannot be read: {error.strerror}. {remedy}") from None
    else:
        if not faults:
            return settings
    listed = "".join(f"\n  - {fault}{'' if fault[-1] in '.?' else '.'}" for fault in faults)
    raise BadSettings(
        f"{path} or the environment has settings that cannot be used:{listed}\nCorrect them in "
        "the file, or in the environment where a variable beginning with PALM_CLOUD_ sets them."
    )
