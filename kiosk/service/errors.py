"""What can go wrong with the signature service. No message holds what was sent or received.

ServiceError
├── Offline                nobody answered
├── ServiceUnavailable     an answer of no use
├── Refused                the service understood and refused: `problem` says why
├── ForgedReceipt          a deletion receipt whose signature is wrong
└── WrongPurchase          an answer for another purchase than was asked
"""

from protocol.messages import Problem, ProblemType


class ServiceError(Exception):
    """The base of all errors of the service client."""


class Offline(ServiceError):
    """Nobody answered before the deadline. `may_have_arrived` tells whether an attempt got so far
    that the service may have acted on it."""

    def __init__(self, message: str, *, may_have_arrived: bool) -> None:
        super().__init__(message)
        self.may_have_arrived = may_have_arrived


class ServiceUnavailable(ServiceError):
    """The service answered that it cannot serve now, or something that cannot be understood; it
    may have acted all the same. `problem` is what it said, None when it said nothing readable."""

    def __init__(self, message: str, problem: Problem | None = None) -> None:
        super().__init__(message)
        self.problem = problem


class Refused(ServiceError):
    """The service understood the request and refused it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.type}: {problem.title}")
        self.problem = problem

    @property
    def type(self) -> ProblemType:
        return self.problem.type


class ForgedReceipt(ServiceError):
    """A deletion receipt does not bear the signature it claims."""


class WrongPurchase(ServiceError):
    """The service answered with a purchase of another reference or amount than was asked."""
