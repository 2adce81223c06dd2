"""What can go wrong with the signature service. No message holds what was sent or received.

ServiceError
├── Offline                nobody answered: `cause` says why
├── ServiceUnavailable     an answer of no use
│   └── TooSlow            answers that take longer than a palm can wait in the light
├── Refused                the service understood and refused: `problem` says why
├── ForgedReceipt          a deletion receipt whose signature is wrong
├── UntrustedKeys          keys of a vault that nothing may be sealed to
└── WrongPurchase          an answer for another purchase than was asked
"""

from enum import StrEnum

from protocol.messages import Problem, ProblemType


class ServiceError(Exception):
    """The base of all errors of the service client."""


class Cause(StrEnum):
    """Why nobody answered. Each has another remedy."""

    NOT_STARTED = "not_started"
    """The kiosk has no service to call yet: its own is still starting, or does not start."""
    NAME_NOT_FOUND = "name_not_found"
    NO_ROUTE = "no_route"
    """This machine has no network, or no way to the service's."""
    CONNECTION_REFUSED = "connection_refused"
    """The machine is there, and nothing listens on the port."""
    TIMED_OUT = "timed_out"
    CUT_OFF = "cut_off"
    """The connection was closed before the answer came."""
    NOT_TLS = "not_tls"
    """What listens there does not speak TLS, or no version of it that we accept."""
    UNKNOWN_AUTHORITY = "unknown_authority"
    """The certificate was issued by another authority than the one that is trusted."""
    NOT_YET_VALID = "not_yet_valid"
    """By this machine's clock, a certificate is not valid yet."""
    EXPIRED = "expired"
    """By this machine's clock, a certificate is not valid any more."""
    OTHER_NAME = "other_name"
    """The certificate is for other names and addresses than the one that was called."""
    CERTIFICATE = "certificate"
    """The certificate is unacceptable for another reason."""
    OTHER = "other"


class Offline(ServiceError):
    """Nobody answered before the deadline. `may_have_arrived` tells whether an attempt got so far
    that the service may have acted on it."""

    def __init__(self, message: str, *, may_have_arrived: bool, cause: Cause = Cause.OTHER) -> None:
        super().__init__(message)
        self.may_have_arrived = may_have_arrived
        self.cause = cause


class ServiceUnavailable(ServiceError):
    """The service answered that it cannot serve now, or something that cannot be understood; it
    may have acted all the same. `problem` is what it said, None when it said nothing readable."""

    def __init__(self, message: str, problem: Problem | None = None) -> None:
        super().__init__(message)
        self.problem = problem


class TooSlow(ServiceUnavailable):
    """The service gave a light challenge, or took its answer, too late for the palm that was
    held."""


class Refused(ServiceError):
    """The service understood the request and refused it. `may_have_arrived` tells whether the
    service may have acted on an earlier attempt, of which this refusal says nothing."""

    def __init__(self, problem: Problem, *, may_have_arrived: bool = False) -> None:
        super().__init__(f"{problem.type}: {problem.title}")
        self.problem = problem
        self.may_have_arrived = may_have_arrived

    @property
    def type(self) -> ProblemType:
        return self.problem.type


class ForgedReceipt(ServiceError):
    """A deletion receipt does not bear the signature it claims."""


class UntrustedKeys(ServiceError):
    """The service shows no keys of its vault that this kiosk may seal a palm to: the message tells
    the operator the cause and the remedy."""


class WrongPurchase(ServiceError):
    """The service answered with a purchase of another reference or amount than was asked."""
