"""Palm recognition: from a camera frame to a palm template, a score and a judgement of liveness.

    template = Palm.from_image(frame).template()  # or Palm.from_file("hand.jpg")
    comparison = match(template, another)         # comparison.false_match_rate
    gallery.search(template)                      # gallery = Gallery(); gallery.add(name, another)

Its parts can be used by themselves:

- `palm.recogniser` puts the parts together; the names that `palm` itself offers are from there.
- `palm.hand` finds hands in a frame, measures how they are held, and aligns the palm.
- `palm.template` extracts a template from aligned palms, and compares two templates.
- `palm.calibration` tells how rare a score is among comparisons of different palms.
- `palm.search` turns a template into a search code, and finds the nearest of a million codes.
- `palm.liveness` tells a living palm from a print, a screen, a cast or a recording.
- `palm.models` holds the neural networks that the others run, and builds them.
- `palm.image` names the two image types that the package takes.

The package imports nothing else of this repository, and knows nothing of kiosks, networks or
people. It needs numpy, OpenCV and ONNX Runtime.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from palm.hand.align import NotAPalm
    from palm.hand.landmarks import Side
    from palm.models import ModelMissing
    from palm.recogniser import (
        Candidate,
        Comparison,
        Gallery,
        NoHand,
        Palm,
        ShownBack,
        Unreadable,
        match,
        pack,
        unpack,
    )
    from palm.template.interfaces import Template, VersionMismatch

__all__ = [
    "Candidate",
    "Comparison",
    "Gallery",
    "ModelMissing",
    "NoHand",
    "NotAPalm",
    "Palm",
    "ShownBack",
    "Side",
    "Template",
    "Unreadable",
    "VersionMismatch",
    "match",
    "pack",
    "unpack",
]

_HOME = {
    "ModelMissing": "palm.models",
    "NotAPalm": "palm.hand.align",
    "Side": "palm.hand.landmarks",
    "Template": "palm.template.interfaces",
    "VersionMismatch": "palm.template.interfaces",
}


def __getattr__(name: str) -> object:
    """Returns a name of `__all__`, and imports it only now: programs that use a part of the package
    need not load the rest, which takes them a quarter of a second and 60 MB."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME.get(name, "palm.recogniser")), name)
