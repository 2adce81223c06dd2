"""The obligations that the law of a place sets for a service that recognises palms, as values.

One law applies to a site (`cloud.merchants.merchants.law_of`). `docs/law.md` names the source of
each value, and what was checked against it. None of this is legal advice.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

# fmt: off
EEA = frozenset(
    {
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR",
        "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO",
        "PL", "PT", "RO", "SE", "SI", "SK", "AX", "GF", "GP", "MQ", "RE", "YT",
    }
)
# fmt: on
"""Countries and territories of ISO 3166-1 in which the GDPR applies: the European Economic Area."""


@dataclass(frozen=True, slots=True)
class Law:
    """The obligations in one place."""

    code: str
    """The name in settings and commands: the code of ISO 3166 where there is one."""
    place: str
    cited: str
    """The name of the statute, as the texts that people agree to cite it."""
    countries: frozenset[str] | None = None
    """The countries in which it can apply, as codes of ISO 3166-1; None for all."""
    everywhere: bool = False
    """Whether it applies to every site in these countries, and not only in a part of one."""
    release: bool = False
    """Whether the consent is a written release that the person signs."""
    shares_apart: bool = False
    """Whether sharing data needs a consent of its own."""
    explicit: bool = False
    """Whether the consent is that of article 9 of the GDPR: explicit and free, with an equal way to
    pay at the same price."""
    longest_inactivity: int | None = None
    """The largest number of months without use after which a palm must be deleted; None when the
    law names none."""
    sign: bool = False
    """Whether a sign must stand at every entrance."""
    reviewed: bool = False
    """Whether the policy must be reviewed every year."""
    answers_in: int = 45
    """The number of days in which a request about one's own data must be answered."""


_AMERICA = frozenset({"US"})

PLAIN = Law("plain", "Any other place", "No law of this place is known to the service")
ILLINOIS = Law(
    "US-IL",
    "Illinois",
    "Illinois Biometric Information Privacy Act, 740 ILCS 14",
    _AMERICA,
    release=True,
    longest_inactivity=36,
)
TEXAS = Law(
    "US-TX",
    "Texas",
    "Texas Business and Commerce Code, section 503.001",
    _AMERICA,
    longest_inactivity=12,
)
WASHINGTON = Law(
    "US-WA",
    "Washington",
    "Revised Code of Washington, chapters 19.373 and 19.375",
    _AMERICA,
    shares_apart=True,
)
COLORADO = Law(
    "US-CO",
    "Colorado",
    "Colorado Revised Statutes, section 6-1-1314",
    _AMERICA,
    longest_inactivity=24,
    reviewed=True,
)
NEW_YORK_CITY = Law(
    "US-NY-NYC",
    "New York City",
    "New York City Administrative Code, sections 22-1201 to 22-1205",
    _AMERICA,
    sign=True,
)
EUROPE = Law(
    "EU",
    "The European Economic Area",
    "General Data Protection Regulation (EU) 2016/679, article 9",
    EEA,
    everywhere=True,
    explicit=True,
    answers_in=30,
)
UNITED_KINGDOM = Law(
    "GB",
    "The United Kingdom",
    "UK General Data Protection Regulation, article 9",
    frozenset({"GB"}),
    everywhere=True,
    explicit=True,
    answers_in=30,
)

LAWS: Mapping[str, Law] = {
    law.code: law
    for law in (
        PLAIN,
        ILLINOIS,
        TEXAS,
        WASHINGTON,
        COLORADO,
        NEW_YORK_CITY,
        EUROPE,
        UNITED_KINGDOM,
    )
}


def find_law(code: str) -> Law:
    """Returns the law with a code. Raises ValueError, whose message names all codes."""
    law = LAWS.get(code)
    if law is None:
        # The code is quoted when it is short enough to be one: anything else may be a secret.
        quoted = f"'{code}' is" if len(code) <= 9 else "this is"
        raise ValueError(f"{quoted} no law that the service knows; it knows {', '.join(LAWS)}")
    return law


def foreign(law: Law, country: str) -> str | None:
    """Returns a message for the operator when a law cannot apply in a country; None when it can."""
    if law.countries is None or country in law.countries:
        return None
    return f"{law.code} ({law.place}) is no law of {country}"


def neglected(law: Law, country: str) -> Law | None:
    """Returns the law that applies everywhere in a country, for a site there whose law is PLAIN;
    None for a site with another law, or when no such law is known."""
    if law is not PLAIN:
        return None
    known = (each for each in LAWS.values() if each.everywhere and not foreign(each, country))
    return next(known, None)


def longest(months: int, laws: Collection[Law]) -> int:
    """Returns after how many months without use a palm is deleted: the smallest of `months`, which
    the operator has set, and of the limits of all laws that apply."""
    limits = (law.longest_inactivity for law in laws)
    return min([months, *(limit for limit in limits if limit is not None)])
