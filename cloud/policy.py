"""Decides what a score means, how often anything may be tried, and how long anything is valid.

Scores of different matchers become comparable as rarities: the rarity of a score is -log10 of the
false-match rate at that score, so one impostor in 10**rarity scores as high. Every decision asks
for a rarity. A search compares one probe with N enrolled palms, which gives N chances of a false
match; each comparison is therefore allowed the false-positive identification rate of the whole
search divided by N (FPIR = N x FMR, ISO/IEC 19795-1).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import NormalDist

from cloud.matching import Match
from palm.calibration import Calibration
from palm.liveness import SURE
from protocol.messages import Outcome

FPIR_ACCEPT = 1e-4
"""The rate at which a search may accept the palm of somebody who is not enrolled."""
FPIR_STEP_UP = 5e-2
"""The rate at which a search may ask somebody who is not enrolled for four digits. Guessing them
succeeds once in 10,000 attempts."""
FMR_AT_MOST = 1e-5
"""The highest false-match rate of a single comparison, however small the gallery is."""
FMR_VERIFY = 1e-4
"""The false-match rate of a 1:1 comparison with the holder of a claimed number (NIST SP
800-63B-4)."""

ATTEMPTS = 3
"""How many palms may be shown in one visit, and how often digits may be entered."""
CODE_ATTEMPTS = 5
"""How often one one-time code or activation code may be entered."""
CARDS = 4
"""The largest number of cards of one person, as many as a shopper can choose from at the till."""
PASSKEYS = 8
"""The largest number of passkeys of one person."""
PALMS = 2
"""The largest number of enrolled palms of one person."""
HANDS_ALIKE = 0.5
"""The correlation that is assumed between the scores of one person's two hands against those of
another: above all that those who were measured leave possible
(docs/decisions/0060-both-hands.md)."""
KEPT = 8
"""How many people whom a palm matched are kept for the later palms of the visit, at most."""
_SPREAD = math.sqrt(2 * (1 + HANDS_ALIKE))
"""The standard deviation of the sum of two normal deviates of this correlation."""

CODE_LIFE = timedelta(minutes=10)
CODES_PER_ENROLMENT = 4
RESEND_AFTER = timedelta(seconds=30)
ENROLMENT_LIFE = timedelta(minutes=30)
BEGUN_LIFE = timedelta(days=7)
"""How long a sign-up that was begun in the portal can be finished at a kiosk."""
CLAIM_LIFE = timedelta(minutes=10)
IDENTIFICATION_LIFE = timedelta(minutes=5)
CHALLENGE_LIFE = timedelta(minutes=2)
"""How long after the answer to a light challenge the envelope may follow."""
ACTIVATION_LIFE = timedelta(hours=24)
ANSWER_LIFE = timedelta(hours=24)
"""How long a repeated request gets the answer that was given first."""
TOKEN_LIFE = timedelta(minutes=15)
"""How long an access token of an integrator is good (RFC 6749, section 1.4)."""
EVENT_LIFE = timedelta(hours=24)
"""How long an event is kept, and told again to a receiver that does not take it."""
DELETION_TOLD = timedelta(days=30)
"""How long it is told again that somebody has left: it names nobody but by a merchant's own
reference, and who is not told keeps what they have."""
PALM_REQUESTS_KEPT = timedelta(hours=12)
"""How long after its end an integrator is told what became of a request for a palm."""
DELIVERIES_LISTED = timedelta(days=30)
"""How long it is kept which events were told to whom. The record names nobody."""
INCIDENTS_KEPT = timedelta(days=90)
"""How long it is kept after it happened last what a person should look at."""
TALLIES_KEPT = timedelta(days=38)
"""How long it is kept what became of palms, by the hour: a month, and the week before."""
SECRETS_OVERLAP = timedelta(hours=24)
"""How long the secret of a receiver also signs after there is another one."""
PURCHASE_PATIENCE = timedelta(minutes=2)
"""How long an interrupted purchase is still completed. Later it is abandoned, because by then the
shopper has paid in another way or has left."""
CARD_PATIENCE = timedelta(minutes=3)
"""How long a card is awaited at a reader for a purchase. Later the purchase is abandoned."""
SESSION_IDLE = timedelta(minutes=30)
"""How long somebody stays signed in to the portal or the console without asking it for anything."""
SESSION_LIFE = timedelta(hours=12)
"""How long somebody stays signed in to the portal or the console at most."""
SESSION_FRESH = timedelta(minutes=10)
"""How long after signing in somebody may change how they sign in, or who else does."""
CODES_SUFFICE_AFTER = timedelta(days=3)
"""How long after somebody has said that their passkeys are lost a code alone signs in. Whoever has
a passkey, and a phone that has lost its network to a stranger, has as long to notice."""
PASSKEY_CHALLENGE_LIFE = timedelta(minutes=5)
"""How long a browser has to answer with a passkey (Web Authentication, level 3, section 15.1)."""
STAFF_LINK_LIFE = timedelta(hours=24)
"""How long a link counts by which somebody of the staff makes a passkey for the console."""
STAFF_AWAY_LIFE = timedelta(minutes=10)
"""How long somebody of the staff may take to sign in at the operator's identity provider."""
CARD_PAGE_LIFE = timedelta(minutes=10)
"""How long a card can be saved on a page that was opened for a shopper's phone."""
WEBHOOK_MEMORY = timedelta(days=30)
"""How long an event of the provider's is remembered. Stripe repeats one for three days."""
KEEPING_PATIENCE = timedelta(minutes=5)
"""How long a card may take to be stored after the provider was asked to keep it. Later the provider
is asked to forget it. This is longer than all attempts to reach the provider take together."""
RECEIPTS_SINCE = "2026-12"
"""The first version of the consent's wording that tells of receipts."""
RECEIPT_AFTER = timedelta(seconds=30)
"""How long a shopper can decline the receipt of a purchase before it is sent to their phone."""
RECEIPT_PATIENCE = timedelta(hours=1)
"""How long after the purchase its receipt is still sent, when the message provider was away."""
ALERT_PATIENCE = timedelta(hours=1)
"""How long after a purchase its alert is still sent, when the message provider was away."""
BOOKKEEPING = timedelta(days=3653)
"""How long a sale is kept for the merchant's books, a receipt of a deletion for its verification,
and to what somebody agreed as its proof after they have withdrawn."""
RECONCILIATION_LIFE = timedelta(days=92)
"""How long it is kept on what the ledger, the payment provider and the tills differed."""
KEY_NOTICE = timedelta(days=30)
"""How long before a key of tills or systems expires the operator is reminded."""
ENTRIES_KEPT = timedelta(days=90)
"""How long it is kept who has passed which door: for its person, and for nobody else."""
REVIEW_EVERY = timedelta(days=365)
"""How long a review of the privacy policy counts."""

NOTICE = timedelta(days=30)
"""How long somebody has, at least, to use an account before it is deleted for want of use."""
LAST_NOTICE = timedelta(days=7)
"""How long they have, at least, after they were told again."""
RUNS_BETWEEN = 9
"""How many daily runs must have passed since somebody was told before the next step. The clock may
step forward once without shortening LAST_NOTICE: that makes one run more."""
TOLD_EARLIER = timedelta(days=2)
"""How much earlier people are told than their notice asks for, so that RUNS_BETWEEN runs have
passed by the end."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Allows one subject `count` events within `window`."""

    kind: str
    count: int
    window: timedelta


class Limits:
    CODES_TO_PHONE = Limit("codes to phone", 6, timedelta(hours=1))
    CODES_BY_DEVICE = Limit("codes by device", 120, timedelta(hours=1))
    SEARCHES_BY_DEVICE = Limit("searches by device", 120, timedelta(minutes=10))
    """Palms that the vault was asked to judge, whatever for: to search, to verify or to enrol."""
    SEARCHES_AT_DOOR = Limit("searches at a door", 600, timedelta(minutes=10))
    """Palms that the vault was asked to judge at a device that people pass one after the other, up
    to 60 in a minute."""
    FAILED_PROOFS = Limit("failed proofs", 10, timedelta(hours=1))
    """Wrong digits, codes and palms against one account, or against a number without an account, at
    all devices together."""
    FAILED_PROOFS_BY_DEVICE = Limit("failed proofs by device", 60, timedelta(hours=1))
    """Wrong digits, codes and palms at one device, whoever they are about."""
    CHALLENGES_BY_DEVICE = Limit("challenges that were not met", 20, timedelta(minutes=10))
    """Light challenges that were asked for, without those that a living hand has answered. So an
    attacker has 20 attempts, and the number of shoppers is not limited."""
    CHALLENGES_AT_DOOR = Limit("challenges at a door that were not met", 60, timedelta(minutes=10))
    """At a device that people pass one after the other: one in ten of those who pass there may draw
    their hand back. An attacker has three times as many attempts as at a counter."""
    LIFELESS_IN_ENROLMENT = Limit("lifeless palms in an enrolment", ATTEMPTS, ENROLMENT_LIFE)
    CARD_PAGES = Limit("card pages of an enrolment", 6, ENROLMENT_LIFE)
    CARD_READINGS = Limit("card readings of an enrolment", 30, ENROLMENT_LIFE)
    """Also limits a person who adds a card at a reader. A reader that does not answer is told again
    every two seconds."""
    CARDS = Limit("cards of a person", 6, timedelta(hours=1))
    """Attempts to add one."""
    PURCHASES = Limit("purchases", 30, timedelta(hours=1))
    CARD_PURCHASES_BY_DEVICE = Limit("card purchases by device", 240, timedelta(hours=1))
    """Sales that were paid with the card itself, or were about to be."""
    RECEIPTS = Limit("receipts", 10, timedelta(hours=1))
    """Receipts that are sent to one person's phone."""
    ALERTS = Limit("alerts", 60, timedelta(hours=1))
    """Alerts that are sent to one person, and messages that they were switched off. A kiosk that
    somebody has taken over could have them sent without end, at the operator's expense."""
    SUPPORT_BUNDLES = Limit("support bundles", 20, timedelta(hours=1))
    WRONG_ACTIVATIONS = Limit("wrong activation codes", 10, timedelta(minutes=10))
    """By address of the sender."""
    PORTAL_CODES = Limit("portal codes to phone", 6, timedelta(hours=1))
    """Counted apart from the kiosks' codes, and so are wrong ones: a stranger on the internet must
    not be able to keep anybody from using a kiosk."""
    PORTAL_CODES_BY_ADDRESS = Limit("portal codes by address", 60, timedelta(hours=1))
    """Phones of one network may share an address."""
    PORTAL_FAILED = Limit("failed portal codes", 10, timedelta(hours=1))
    """Wrong codes against one account, or against a number without an account, in all browsers
    together."""
    PORTAL_FAILED_BY_ADDRESS = Limit("failed portal codes by address", 60, timedelta(hours=1))
    """Wrong codes and passkeys that are not taken."""
    PORTAL_PASSKEYS_BY_ADDRESS = Limit("passkeys asked for by address", 120, timedelta(hours=1))
    """Challenges that passkeys are to answer, from browsers in which nobody is signed in."""
    CONSOLE_PASSKEYS_BY_ADDRESS = Limit(
        "passkeys asked for in the console by address", 120, timedelta(hours=1)
    )
    CONSOLE_FAILED_BY_ADDRESS = Limit(
        "failed passkeys in the console by address", 60, timedelta(hours=1)
    )
    """Counted apart from the portal's: nobody there can keep staff from signing in."""
    PICTURES = Limit("pictures given in the console", 60, timedelta(hours=1))
    """By one member of staff. Each is made by a process that may take half a minute."""
    API_REQUESTS = Limit("requests with a key", 600, timedelta(minutes=1))
    """Requests with an integrator's key and its tokens together, at one process of the service."""
    FILES = Limit("files with a key", 20, timedelta(minutes=10))
    """Asked for and fetched, together. A file is made anew each time, which may take seconds."""
    TAKINGS = Limit("takings of access and tickets", 60, timedelta(minutes=10))
    """Of memberships as well. By one member of staff, or one key: all that people have at a place
    is opened each time, and the codes of membership cards can be guessed."""
    COMPARISONS = Limit("days compared with a key", 30, timedelta(hours=1))
    """The payment provider is asked for everything of a day each time."""
    PALM_REQUESTS = Limit("requests for palms of a merchant", 1200, timedelta(hours=1))
    """What integrators have kiosks ask."""
    BEGINNINGS = Limit("sign-ups begun in the portal", 200, timedelta(hours=1))
    """By everybody together: strangers with many addresses could have messages sent to any number,
    at the operator's expense."""


LONGEST_WINDOW = timedelta(hours=1)
"""The longest window of all limits: older events are not counted any more."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A score from which on something is decided, and what is known of it."""

    score: float
    rarity: float
    """-log10 of the false-match rate that the score stands for."""
    extrapolated: bool
    """Whether no two different palms were ever seen to score as high, so that the rate is not
    measured but follows from the tail of lower scores."""
    interval: tuple[float, float] | None
    """The 95 % confidence interval of the score; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Policy:
    calibrations: Mapping[int, Calibration]
    """The calibration of each template version."""

    def threshold(self, version: int, rarity: float) -> Threshold:
        """Returns the score of a version's matcher that has a rarity. Raises KeyError."""
        calibration = self.calibrations[version]
        score = calibration.score(rarity)
        extrapolated = calibration.is_extrapolated(score)
        return Threshold(score, rarity, extrapolated, calibration.interval(rarity))

    def rarity(self, version: int, score: float) -> float:
        """Raises KeyError for a version without a calibration."""
        return self.calibrations[version].rarity(score)

    def score(self, version: int, rarity: float) -> float:
        """Returns the score of a version's matcher that has a rarity. Raises KeyError."""
        return self.calibrations[version].score(rarity)

    def accept(self, gallery_size: int) -> float:
        """Returns the rarity from which a search accepts a match."""
        return -math.log10(min(FMR_AT_MOST, FPIR_ACCEPT / max(gallery_size, 1)))

    def step_up(self, gallery_size: int) -> float:
        """Returns the rarity from which a search asks for digits."""
        return -math.log10(min(100 * FMR_AT_MOST, FPIR_STEP_UP / max(gallery_size, 1)))

    def verify(self) -> float:
        """Returns the rarity from which a 1:1 comparison is accepted."""
        return -math.log10(FMR_VERIFY)

    def worth_keeping(self, enough: float) -> float:
        """Returns the rarity from which a match is kept for the later palms of a visit. One that is
        less rare never makes `enough` of a palm that is not enough by itself."""
        alone = enough + math.log10(2)
        return _rarity((_SPREAD - 1) * _quantile(alone))

    def named(
        self, matches: Sequence[Match], other_hand: Sequence[Mapping[str, float]], enough: float
    ) -> list[Match]:
        """Returns the people who are recognised with a rarity of at least `enough`, best match
        first, each with the rarity that counts.

        `other_hand` holds, for each palm of the other hand that was shown before in the visit, the
        rarity of people for whom one was kept. A palm counts by itself or together with one of
        these. It has as many ways to be accepted then, and each is allowed as much less of its
        rate: so a visit has no more chances than palms.
        """
        counted = [self._in_visit(match, other_hand) for match in matches]
        return sorted(
            (match for match in counted if match.rarity >= enough),
            key=lambda match: -match.rarity,
        )

    def _in_visit(self, match: Match, other_hand: Sequence[Mapping[str, float]]) -> Match:
        if not other_hand:
            return match
        before = [each[match.person_id] for each in other_hand if match.person_id in each]
        ways = [match.rarity, *(together(match.rarity, rarity) for rarity in before)]
        return replace(match, rarity=max(ways) - math.log10(1 + len(other_hand)))

    def is_sure(self, score: float | None) -> bool:
        """Returns whether a liveness score is high enough without a pulse. It is None when nothing
        was judged; the `liveness` setting decides whether such a palm is taken at all."""
        return score is None or score >= SURE

    def decide(self, matches: Sequence[Match], gallery_size: int) -> Outcome:
        """Decides a search. `matches` are the people `named` at `step_up`, best match first.

        Exactly one match above `accept` is accepted. If two people pass, the matcher cannot tell
        them apart: ask for digits.
        """
        certain = self._certain(matches, gallery_size)
        if len(certain) == 1:
            return Outcome.ACCEPTED
        return Outcome.STEP_UP if matches else Outcome.ASK_AGAIN

    def are_alike(self, matches: Sequence[Match], gallery_size: int) -> bool:
        """Returns whether a search has found two people or more who would each be accepted without
        the others. `matches` are as for `decide`."""
        return len(self._certain(matches, gallery_size)) > 1

    def _certain(self, matches: Sequence[Match], gallery_size: int) -> list[Match]:
        accept = self.accept(gallery_size)
        return [match for match in matches if match.rarity >= accept]


def together(one: float, other: float) -> float:
    """Returns how rare it is that a stranger's two hands match two enrolled ones with these
    rarities: by the sum of their normal deviates (Stouffer et al., "The American Soldier", 1949),
    whose variance grows by HANDS_ALIKE."""
    return _rarity((_quantile(one) + _quantile(other)) / _SPREAD)


def _quantile(rarity: float) -> float:
    """Returns the normal deviate that is exceeded as rarely; between the rarities that a float can
    tell."""
    return -NormalDist().inv_cdf(10 ** -min(max(rarity, 1e-3), 300.0))


def _rarity(deviate: float) -> float:
    return -math.log10(max(math.erfc(deviate / math.sqrt(2)) / 2, 1e-300))
