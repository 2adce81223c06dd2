"""Sites' lists as the service and its vault make them, of palms without pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from palm.hand.landmarks import Side as HandSide
from palm.template.interfaces import Template
from protocol.capture import Burst
from protocol.credential import Credential
from protocol.encoding import to_base64
from protocol.entry import Admission, ListedPerson, SiteList
from protocol.messages import Direction, Side, VaultKey
from protocol.site_list import binding, seal_templates
from tests.support.clocks import NOON
from tests.support.plain_palms import (
    VERSION,
    PlainExaminer,
    PlainExtractor,
    PlainMatcher,
    Unusable,
    burst,
)


class PlainMatching:
    """Reads and compares palms without pictures."""

    version = VERSION

    def read(self, burst: Burst) -> tuple[Side, Template] | None:
        try:
            seen = PlainExaminer().examine(burst, ())
        except Unusable:
            return None
        return Side(seen.side), PlainExtractor().extract(seen.palms)

    def prepare(self, templates: Sequence[Template]) -> Any:
        return PlainMatcher().prepare(templates).copy()

    def compare(self, probe: Template, prepared: Any) -> npt.NDArray[np.float32]:
        return PlainMatcher().compare(probe, prepared)


def mark_of(who: str) -> str:
    return f"mark-of-{who}".ljust(16, "-")


def site_list(
    *people: str,
    key: VaultKey,
    device_id: str,
    times: Sequence[tuple[int, int]] = ((0, 4 * 3600),),
    credential: Credential | None = None,
    **changes: Any,
) -> SiteList:
    """Returns the list of these people for a kiosk, sealed to its key."""
    listed = [
        ListedPerson(mark=mark_of(who), side=Side.LEFT, times=list(times), credential=credential)
        for who in people
    ]
    shown = [PlainExaminer().examine(burst(who, HandSide.LEFT), ()).palms for who in people]
    templates = [PlainExtractor().extract(palms).data for palms in shown]
    bound_to = binding(device_id, [each.mark for each in listed])
    told = SiteList(
        made_at=NOON,
        valid_s=4 * 3600,
        admission=Admission.OPEN if credential is None else Admission.PRESENT,
        direction=Direction.ENTRY,
        once=False,
        version=VERSION,
        at_least=0.5,
        people=listed,
        templates=to_base64(seal_templates(templates, key, bound_to)),
    )
    return told.model_copy(update=changes)
