"""Competitive code: which of six directions the line through each place has.

Kong and Zhang, "Competitive coding scheme for palmprint verification", ICPR 2004. The direction
with the lowest filter response wins. It is written in three bits, so that the number of bits in
which two directions differ is the number of steps between them (the angular distance). A template
has 384 bytes.
"""

from collections.abc import Sequence

import numpy as np

from lab.peers import gabor
from lab.peers.planes import PlanesMatcher, answers, only, template
from palm.hand.roi import Roi
from palm.template.interfaces import Template

VERSION = -1

BITS = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 1], [1, 1, 1], [1, 1, 0], [1, 0, 0]], np.bool_)
"""The bits of each direction, in the order of directions."""


class CompetitiveCodeExtractor:
    version = VERSION

    def extract(self, palms: Sequence[Roi]) -> Template:
        """Raises ValueError unless there is exactly one palm."""
        palm = only(palms)
        winner = answers(palm, gabor.bank()).argmin(axis=0)
        return template(VERSION, BITS[winner].transpose(2, 0, 1))


def pair() -> tuple[CompetitiveCodeExtractor, PlanesMatcher]:
    return CompetitiveCodeExtractor(), PlanesMatcher(VERSION)
