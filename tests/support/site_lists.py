"""Sites' lists as the service and its vault make them, of palms without pictures."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from palm.hand.landmarks import Side as HandSide
from palm.hand.roi import Roi
from palm.template.interfaces import Template
from protocol.capture import Burst
from protocol.credential import Credential
from protocol.encoding import to_base64
from protocol.entry import Admission, ListedPalms, ListedPerson, SiteList
from protocol.messages import Direction, Side, VaultKey
from protocol.site_list import binding, seal_templates
from tests.support.clocks import NOON
from tests.support.plain_palms import (
    OLD,
    VERSION,
    OldExtractor,
    OldMatcher,
    PlainExaminer,
    PlainExtractor,
    PlainMatcher,
    Unusable,
    burst,
)

PAIRS = {VERSION: (PlainExtractor(), PlainMatcher()), OLD: (OldExtractor(), OldMatcher())}
AT_LEAST = {VERSION: 0.5, OLD: 50.0}


class PlainMatching:
    """Reads and compares palms without pictures."""

    versions: Collection[int] = PAIRS

    def read(self, burst: Burst) -> tuple[Side, Sequence[Roi]] | None:
        try:
            seen = PlainExaminer().examine(burst, ())
        except Unusable:
            return None
        return Side(seen.side), seen.palms

    def extract(self, palms: Sequence[Roi], version: int) -> Template:
        return PAIRS[version][0].extract(palms)

    def prepare(self, version: int, templates: Sequence[Template]) -> Any:
        return PAIRS[version][1].prepare(templates).copy()

    def compare(self, probe: Template, prepared: Any) -> npt.NDArray[np.float32]:
        return PAIRS[probe.version][1].compare(probe, prepared)


def mark_of(who: str) -> str:
    return f"mark-of-{who}".ljust(16, "-")


def site_list(
    *people: str,
    key: VaultKey,
    device_id: str,
    times: Sequence[tuple[int, int]] = ((0, 4 * 3600),),
    credential: Credential | None = None,
    earlier: Collection[str] = (),
    **changes: Any,
) -> SiteList:
    """Returns the list of these people for a kiosk, sealed to its key. The palms of `earlier` are
    kept in the old version."""

    def part(version: int, people: Collection[str]) -> ListedPalms:
        listed = [
            ListedPerson(
                mark=mark_of(who), side=Side.LEFT, times=list(times), credential=credential
            )
            for who in people
        ]
        shown = [PlainExaminer().examine(burst(who, HandSide.LEFT), ()).palms for who in people]
        templates = [PAIRS[version][0].extract(palms).data for palms in shown]
        bound_to = binding(device_id, [each.mark for each in listed])
        return ListedPalms(
            version=version,
            at_least=AT_LEAST[version],
            people=listed,
            templates=to_base64(seal_templates(templates, key, bound_to)),
        )

    told = SiteList(
        made_at=NOON,
        valid_s=4 * 3600,
        admission=Admission.OPEN if credential is None else Admission.PRESENT,
        direction=Direction.ENTRY,
        once=False,
        earlier=[part(OLD, earlier)] if earlier else [],
        **dict(part(VERSION, people)),
    )
    return told.model_copy(update=changes)
