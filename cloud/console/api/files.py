"""Files for systems with a key: a POST prepares a file, and GETs return it for some minutes.

The answer to a POST is stored for a day (`cloud.web.signed_request`), and a file is too large for
that. A file that can be taken only once must not be lost with an answer that does not arrive,
either. So the POST answers with the name of a file. With the same key, a GET of that name makes the
file anew each time. The name contains, encrypted, what is in the file and when it expires, so
nothing is stored.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import Annotated, Any, TypeVar

from cryptography.exceptions import InvalidTag
from fastapi import Path
from pydantic import AwareDatetime, BaseModel

from cloud.console.api.asking import Asked
from cloud.console.four_eyes import Act, Arguments
from cloud.policy import Limits
from cloud.web import limits
from cloud.web.problems import Refusal
from protocol.messages import Message, ProblemType

FILE_LIFE = timedelta(minutes=10)
"""How long a file can be fetched after it was prepared."""

FileId = Annotated[str, Path(max_length=2048, description="The name of a file.")]

A = TypeVar("A", bound=Arguments)


class FileReady(Message):
    file_id: str
    """The name under which the file can be fetched with the same key until `expires_at`."""
    expires_at: AwareDatetime


class _Name(BaseModel):
    """What the name of a file contains."""

    given: str
    """The arguments of the act, as JSON."""
    until: AwareDatetime


def make_ready(asked: Asked, act: Act[A], given: A) -> FileReady:
    """Returns the name of the file that an act exports. It is valid for the same key and merchant
    only."""
    name = _Name(given=given.model_dump_json(), until=asked.now + FILE_LIFE)
    said = name.model_dump_json().encode()
    sealed = asked.context.master.outbox.seal(said, _place(asked, act.name))
    return FileReady(file_id=urlsafe_b64encode(sealed).decode(), expires_at=name.until)


async def content_of(asked: Asked, act: Act[A], file_id: str) -> A:
    """Returns the arguments of the act that the name of a file contains. Raises Refusal for a name
    that has expired, or that another key or merchant has got."""
    try:
        sealed = urlsafe_b64decode(file_id)
        said = asked.context.master.outbox.open(sealed, _place(asked, act.name))
    except (ValueError, InvalidTag):
        raise Refusal(ProblemType.NOT_FOUND) from None
    name = _Name.model_validate_json(said)
    if name.until <= asked.now:
        raise Refusal(ProblemType.EXPIRED, "the file has expired: prepare another")
    await count(asked)
    return act.arguments.model_validate_json(name.given)


async def count(asked: Asked) -> None:
    """Counts the making of a file. Raises Refusal for a key that makes too many."""
    await limits.spend(asked.session, Limits.FILES, asked.by.who, asked.now)


def given_as(media_type: str) -> dict[int | str, dict[str, Any]]:
    """Returns the description of a file for the OpenAPI document."""
    return {200: {"content": {media_type: {"schema": {"type": "string"}}}}}


def not_there() -> Refusal:
    """Returns the answer to a key that takes a request which cannot be taken."""
    detail = "nobody has approved the request, it was taken already, or a day has passed"
    return Refusal(ProblemType.CONFLICT, detail)


def _place(asked: Asked, act: str) -> str:
    return f"file/{act}/{asked.by.who}/{asked.reach.merchant_id or ''}"
