"""Whether the service lives and can work, for whatever watches it: a load balancer, Kubernetes or a
monitor. Both answers are given to anybody and say nothing of anybody."""

import asyncio
import logging
import time
from typing import Literal

from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from cloud.context import Context
from cloud.db.database import takes_changes
from cloud.vault.kept import VaultState
from protocol.messages import Message
from protocol.seldom import Seldom

log = logging.getLogger(__name__)

PATIENCE_S = 2.0
"""How long the database may take before the service counts as not ready, in seconds."""
REMEMBERED_S = 1.0
"""How long an answer is given again without another look: strangers may ask, too."""

COMPLAINTS_EVERY_S = 60.0
"""How often the log is told of a database that takes no changes, in seconds."""

DatabaseState = Literal["works", "deletions_only", "does_not_answer"]

router = APIRouter()


class Alive(Message):
    """The process answers. A restart would mend nothing that `/readyz` finds."""

    alive: Literal[True] = True


class Readiness(Message):
    """What the service needs in order to work."""

    database: DatabaseState
    """`deletions_only`: the disk is full. People can still have everything of theirs deleted and
    whatever stores nothing still works, so the service stays ready."""
    vault: VaultState
    """The state of the vault, or of the best of several."""

    @property
    def is_ready(self) -> bool:
        return self.database != "does_not_answer" and self.vault is VaultState.WORKS


class Watch:
    """Looks whether the service is ready, once for all who ask at the same time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._looking = asyncio.Lock()
        self._may_complain = Seldom(COMPLAINTS_EVERY_S)
        self._seen: tuple[float, Readiness] | None = None
        self._asked: asyncio.Task[bool] | None = None
        """The question that the database has not answered yet: it is not asked another one."""

    async def look(self) -> Readiness:
        async with self._looking:
            if self._seen is None or time.monotonic() - self._seen[0] > REMEMBERED_S:
                readiness = Readiness(
                    database=await self._database(), vault=self._context.vault.state
                )
                self._seen = time.monotonic(), readiness
            return self._seen[1]

    async def _database(self) -> DatabaseState:
        self._asked = asked = self._asked or asyncio.create_task(self._transact())
        await asyncio.wait([asked], timeout=PATIENCE_S)
        if not asked.done():
            return "does_not_answer"
        self._asked = None
        if not asked.result():
            return "does_not_answer"
        return "deletions_only" if self._context.database.is_for_deletions_only else "works"

    async def _transact(self) -> bool:
        """Returns whether a transaction can be begun in which something is written."""
        try:
            async with self._context.database.session() as session:
                if await takes_changes(session):
                    return True
        except SQLAlchemyError:
            return False
        if self._may_complain():
            log.error(
                "the database takes no changes: it is a standby, or was made read-only. Name the "
                "one that does with --database, or have its operator look"
            )
        return False


@router.get("/healthz")
async def tell_alive() -> Alive:
    """Tells that the service runs, whatever it may lack."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Readiness}})
async def tell_readiness(request: Request, response: Response) -> Readiness:
    """Tells whether the service can answer requests now: with 503 where it cannot."""
    watch: Watch = request.app.state.watch
    readiness = await watch.look()
    if not readiness.is_ready:
        response.status_code = 503
        response.headers["retry-after"] = "1"
    return readiness
