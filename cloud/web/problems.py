"""Error answers: each is a problem document (RFC 9457) and quotes nothing that was sent."""

import http
import logging
import traceback
from datetime import datetime

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from cloud.context import Context
from cloud.db.database import cause_of, is_busy, storage_fault
from cloud.db.tables import NotAText
from protocol.messages import PROBLEM_TYPE, Fault, Problem, ProblemType, ReaderFault
from protocol.storage import REMEDIES, StorageFault

log = logging.getLogger(__name__)

_KINDS: dict[ProblemType, tuple[int, str]] = {
    ProblemType.MALFORMED: (400, "The request cannot be understood"),
    ProblemType.TOO_LARGE: (413, "The request is too large"),
    ProblemType.BAD_SIGNATURE: (401, "The request's signature is not valid"),
    ProblemType.REPLAYED: (409, "The request was seen before"),
    ProblemType.STALE: (401, "The device's clock is off"),
    ProblemType.UNKNOWN_DEVICE: (401, "The device is not activated"),
    ProblemType.UNKNOWN_TILL: (401, "The API key is not known"),
    ProblemType.UNKNOWN_KEY: (401, "The API key is not known"),
    ProblemType.INSUFFICIENT_SCOPE: (403, "The API key is not for this"),
    ProblemType.BAD_LIST: (422, "The access list cannot be taken, and nothing was changed"),
    ProblemType.KIOSK_AWAY: (504, "The kiosk does not answer"),
    ProblemType.WRONG_ACTIVATION_CODE: (403, "The activation code is wrong or was used"),
    ProblemType.NOT_FOUND: (404, "There is no such thing"),
    ProblemType.EXPIRED: (410, "It took too long"),
    ProblemType.CONFLICT: (409, "That cannot be done now"),
    ProblemType.IDEMPOTENCY_MISMATCH: (422, "The idempotency key belongs to another request"),
    ProblemType.PHONE_NOT_ACCEPTED: (422, "Not a mobile number"),
    ProblemType.WRONG_CODE: (403, "The code is wrong"),
    ProblemType.TOO_MANY_ATTEMPTS: (429, "Too many attempts"),
    ProblemType.CARD_REFUSED: (402, "The card was refused"),
    ProblemType.NOT_CHARGEABLE: (422, "The payment provider does not charge this amount"),
    ProblemType.HOLDER_ASKED: (409, "The card's holder is asked to confirm the purchase"),
    ProblemType.NOT_REFUNDABLE: (422, "This amount of the purchase cannot be refunded"),
    ProblemType.CARD_FORGOTTEN: (410, "The card of the purchase is not known any more"),
    ProblemType.ENVELOPE_UNREADABLE: (400, "The envelope cannot be opened"),
    ProblemType.PALM_UNUSABLE: (422, "The palm cannot be read"),
    ProblemType.PALM_NOT_LIVE: (422, "Not seen to be a living hand"),
    ProblemType.CHALLENGE_REFUSED: (409, "The light challenge has expired or was used"),
    ProblemType.LIGHT_REQUIRED: (403, "A palm is accepted under a light challenge only"),
    ProblemType.INFRARED_REQUIRED: (403, "Palms of this device are taken in near infrared as well"),
    ProblemType.HOLD_LONGER: (409, "The palm's pulse is asked for"),
    ProblemType.STAFF_REQUIRED: (409, "Staff have to see the hand that pays this amount"),
    ProblemType.WRONG_REGION: (403, "The palms of this merchant stay in another region"),
    ProblemType.PALM_KNOWN: (409, "This palm has an account already"),
    ProblemType.SAME_PALM_TWICE: (409, "The same palm was shown twice"),
    ProblemType.TOO_MANY_TICKETS: (409, "There is no room for another ticket"),
    ProblemType.NOT_ACCEPTED: (403, "Nobody was recognised for this"),
    ProblemType.STEP_UP_FAILED: (403, "The digits do not fit"),
    ProblemType.PROVIDER_UNAVAILABLE: (503, "A provider does not answer"),
    ProblemType.READER_UNAVAILABLE: (409, "The card reader takes no card now"),
    ProblemType.VAULT_UNAVAILABLE: (503, "Palms cannot be read at the moment"),
    ProblemType.BUSY: (503, "Too much is going on at the moment"),
    ProblemType.STORAGE_FULL: (507, "Nothing can be stored"),
    ProblemType.INTERNAL: (500, "Something went wrong"),
}

_METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")


class Refusal(Exception):
    """Ends a request with a problem document as its answer.

    A refusal with a status below 500 is a decision: what was written to the database before it is
    kept, and a repeated request gets the same answer. From 500 on, it is rolled back.
    """

    def __init__(
        self,
        kind: ProblemType,
        detail: str = "",
        *,
        status: int | None = None,
        attempts_left: int | None = None,
        retry_after: int | None = None,
        time: datetime | None = None,
        storage: StorageFault | None = None,
        reader: ReaderFault | None = None,
        confirm_url: str | None = None,
        errors: list[Fault] | None = None,
        service: str | None = None,
    ) -> None:
        usual, title = _KINDS[kind]
        super().__init__(kind)
        self.problem = Problem(
            type=kind,
            title=title,
            status=status or usual,
            detail=detail or title,
            attempts_left=attempts_left,
            retry_after=retry_after,
            time=time,
            storage=storage,
            reader=reader,
            confirm_url=confirm_url,
            errors=errors,
            service=service,
        )

    def response(self) -> Response:
        headers = {}
        if self.problem.retry_after is not None:
            headers["retry-after"] = str(self.problem.retry_after)
        return Response(
            self.problem.model_dump_json(exclude_none=True),
            self.problem.status,
            headers,
            PROBLEM_TYPE,
        )


def install(app: FastAPI) -> None:
    """Makes a problem document of every error of the app, expected or not."""

    @app.exception_handler(Refusal)
    async def refused(request: Request, refusal: Refusal) -> Response:
        return answer(request.app.state.context, refusal)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        # The place and kind of each fault, never the value.
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['type']}"
            for fault in error.errors()
        )
        return answer(request.app.state.context, Refusal(ProblemType.MALFORMED, faults, status=422))

    @app.exception_handler(NotAText)
    async def not_a_text(request: Request, _: NotAText) -> Response:
        detail = "a text has the character NUL"
        return answer(request.app.state.context, Refusal(ProblemType.MALFORMED, detail, status=422))

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        kind = ProblemType.NOT_FOUND if error.status_code == 404 else ProblemType.MALFORMED
        phrase = http.HTTPStatus(error.status_code).phrase
        response = answer(
            request.app.state.context, Refusal(kind, phrase, status=error.status_code)
        )
        response.headers.update(error.headers or {})
        if error.status_code == http.HTTPStatus.METHOD_NOT_ALLOWED:
            # The framework names the methods of the first route alone that has the path.
            response.headers["allow"] = ", ".join(_methods(request))
        return response

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        # A path may have ids in it; that of the route has their names.
        path = getattr(request.scope.get("route"), "path", "")
        refusal = unexpected_refusal(error, f"{request.method} {path}")
        return answer(request.app.state.context, refusal)

    del refused, invalid, not_a_text, http_error, unexpected


def _methods(request: Request) -> list[str]:
    """Returns the methods that the path of a request is served with (RFC 9110, section 10.2.1)."""
    scopes = {method: {**request.scope, "method": method} for method in _METHODS}
    routes = request.app.routes
    return [
        method
        for method, scope in scopes.items()
        if any(route.matches(scope)[0] is Match.FULL for route in routes)
    ]


def answer(context: Context, refusal: Refusal) -> Response:
    """Returns the HTTP answer that tells a refusal, and counts the refusal."""
    context.noted.note_refusal("api", refusal.problem)
    return refusal.response()


def unexpected_refusal(error: Exception, what: str) -> Refusal:
    """Returns what answers a request that failed for a reason of the service's own, and logs it.
    `what` is the request's method and the path of its route. The message is left out of the log: it
    may quote what was sent."""
    fault = storage_fault(error)
    if fault is not None:
        log.error("nothing can be stored: %s. %s", cause_of(error), REMEDIES[fault])
        return Refusal(ProblemType.STORAGE_FULL, retry_after=60, storage=fault)
    if is_busy(error):
        log.warning("a request has to be repeated: %s", cause_of(error))
        return Refusal(ProblemType.BUSY, retry_after=1)
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s failed with %s\n%s", what, type(error).__name__, where)
    return Refusal(ProblemType.INTERNAL)
