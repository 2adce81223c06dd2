"""What needs a second person, and a person who approves it."""

from cloud.console import four_eyes
from cloud.console.audit import By, Door
from tests.support.integrator import Integrator
from tests.support.served import Served


def approve(served: Served, approval_id: str) -> None:
    """Has somebody in the console approve what was asked for."""

    async def write() -> None:
        async with served.context.database.session() as session:
            by = By(Door.CONSOLE, "somebody-of-the-staff", served.context.clock())
            await four_eyes.decide(session, by, approval_id, approves=True)
            await session.commit()

    served.do(write())


def file_of_trail(served: Served, api: Integrator) -> str:
    """Returns the name of a file of the audit trail that was approved and taken."""
    approval = api.post("/audit-files")["approval_id"]
    approve(served, approval)
    return api.post(f"/approvals/{approval}/audit-file")["file_id"]
