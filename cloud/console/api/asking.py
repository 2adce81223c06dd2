"""Requests with a key (`cloud.integrations.asking`) for what the console shows and does.

An operation names the right that the page needs, and the scope that a key needs. With a key of a
merchant, a system may do what an account of that merchant may. With a key of the operator's it may
do what an operator may, for the merchant that the path names or, without one, for the whole
service. The audit trail names the key as the one who acts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends, Request
from pydantic import StringConstraints

from cloud.console import roles
from cloud.console.audit import By, Door
from cloud.console.roles import Found, Reach, Right, Role
from cloud.console.tables import AskedRow, StaffRow
from cloud.fleet.picture_making import MAX_FILE
from cloud.fleet.pictures import PictureRow
from cloud.integrations.asking import Grant, Keyed, KeyedRoute, MerchantId, Once, Scope, needs
from cloud.merchants.merchants import MerchantRow, SiteRow
from cloud.watch.incidents import IncidentRow
from cloud.web import signed_request
from cloud.web.devices import DeviceRow
from cloud.web.limits import MAX_BODY
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call
from protocol.messages import ProblemType


@dataclass
class Asked(Keyed):
    """One request with a key."""

    right: Right
    reach: Reach
    by: By

    @property
    def now(self) -> datetime:
        return self.call.now

    # Each of these raises the same Refusal for what does not exist and for what is out of reach.

    async def merchant(self) -> MerchantRow:
        """Returns the merchant that the path names."""
        assert self.reach.merchant_id is not None
        found = (await self._find(merchant_id=self.reach.merchant_id)).merchant
        assert found is not None
        return found

    async def site(self, site_id: str) -> SiteRow:
        found = (await self._find(site_id=site_id)).site
        assert found is not None
        return found

    async def device(self, device_id: str) -> DeviceRow:
        found = (await self._find(device_id=device_id)).device
        assert found is not None
        return found

    async def active_device(self, device_id: str) -> DeviceRow:
        """Returns a device that is not revoked. Raises Refusal for a revoked one, too."""
        device = await self.device(device_id)
        if device.revoked_at is not None:
            raise Refusal(ProblemType.CONFLICT, "the kiosk was revoked")
        return device

    async def picture(self, digest: str) -> PictureRow:
        """Returns a picture that a kiosk of the merchant shows."""
        found = (await self._find(digest=digest)).picture
        assert found is not None
        return found

    async def incident(self, incident_id: str) -> IncidentRow:
        found = (await self._find(incident_id=incident_id)).incident
        assert found is not None
        return found

    async def member(self, staff_id: str) -> StaffRow:
        found = (await self._find(staff_id=staff_id)).member
        assert found is not None
        return found

    async def approval(self, request_id: str) -> AskedRow:
        """Returns a request for an act that needs two people."""
        found = (await self._find(request_id=request_id)).asked
        assert found is not None
        return found

    async def _find(self, **names: str) -> Found:
        return await roles.find(self.session, self.reach, self.right, names)


class OperationRoute(KeyedRoute):
    right: ClassVar[Right]


def router(right: Right, scope: Scope, *, files: bool = False) -> APIRouter:
    """Returns a router of operations on a merchant that need a right and a scope. With `files`,
    bodies may be as large as a picture."""
    made = _router(_route_for(right, files), scope)
    made.prefix += "/merchants/{merchant_id}"
    return made


def operators_router(right: Right, scope: Scope) -> APIRouter:
    """Returns a router of operations on the whole service, for keys of the operator's."""
    return _router(_route_for(right, files=False), scope)


def _router(route: type[OperationRoute], scope: Scope) -> APIRouter:
    made = signed_request.router(route)
    made.dependencies += needs(scope)
    return made


@cache
def _route_for(needed: Right, files: bool) -> type[OperationRoute]:
    class RightRoute(OperationRoute):
        right = needed
        largest_body = MAX_FILE if files else MAX_BODY

    return RightRoute


async def _asked_of_all(request: Request) -> Asked:
    return await _asked(request, None)


async def _asked_of_all_once(request: Request, idempotency_key: Once) -> Asked:
    del idempotency_key  # The route has read it (`SignedRoute`).
    return await _asked(request, None)


async def _asked_of_merchant(request: Request, merchant_id: MerchantId) -> Asked:
    return await _asked(request, merchant_id)


async def _asked_of_merchant_once(
    request: Request, merchant_id: MerchantId, idempotency_key: Once
) -> Asked:
    del idempotency_key
    return await _asked(request, merchant_id)


async def _asked(request: Request, merchant_id: str | None) -> Asked:
    scope: Mapping[str, Any] = request.scope
    route: OperationRoute = scope["route"]
    grant: Grant = request.state.grant
    call: Call = request.state.call
    role = Role.OPERATOR if grant.merchant_id is None else Role.MERCHANT
    # Under the path of a merchant, a key of the operator's also reaches this merchant only.
    reach = Reach(role, merchant_id, None)
    await roles.find(call.session, reach, route.right, {})
    return Asked(call, route.right, reach, By(Door.API, grant.key_id, call.now))


Asker = Annotated[Asked, Depends(_asked_of_merchant)]
AskerOnce = Annotated[Asked, Depends(_asked_of_merchant_once)]
"""As Asker, for a POST, which needs an `Idempotency-Key`."""
OperatorAsker = Annotated[Asked, Depends(_asked_of_all)]
OperatorAskerOnce = Annotated[Asked, Depends(_asked_of_all_once)]
"""As OperatorAsker, for a POST, which needs an `Idempotency-Key`."""


def one_line(most: int) -> StringConstraints:
    """Returns the rule for a name: one line of 1 to `most` characters."""
    return StringConstraints(strip_whitespace=True, pattern=rf"^[^\x00-\x1f\x7f]{{1,{most}}}$")
