"""BOCV: one bit for each place and each of six directions, set where a dark line runs that way.

Guo, Zhang, Zhang and Zhang, "Palmprint verification using binary orientation co-occurrence
vector", Pattern Recognition Letters 30 (2009). Each response of the filters of competitive code is
compared with a threshold. The threshold is zero, because plain skin has no response. A template has
768 bytes.
"""

from collections.abc import Sequence

from lab.peers import gabor
from lab.peers.planes import PlanesMatcher, answers, only, template
from palm.hand.roi import Roi
from palm.template.interfaces import Template

VERSION = -2


class BocvExtractor:
    version = VERSION

    def extract(self, palms: Sequence[Roi]) -> Template:
        """Raises ValueError unless there is exactly one palm."""
        palm = only(palms)
        return template(VERSION, answers(palm, gabor.bank()) < 0)


def pair() -> tuple[BocvExtractor, PlanesMatcher]:
    return BocvExtractor(), PlanesMatcher(VERSION)
