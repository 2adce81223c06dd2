"""Time for a busy machine, on which a camera and a ring are simulated slower than they are."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_SITE = Path(__file__).parent / "unhurried_site"
_ROOT = Path(__file__).parents[2]


@contextmanager
def unhurried() -> Iterator[None]:
    """Lets a service that is started meanwhile, and its vault, take an answer to a light challenge
    for a minute. Otherwise its clock, which is the machine's, allows two seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (_SITE, _ROOT))))
        patch.setattr("kiosk.capture.light_challenge.SEED_WITHIN", 60)
        yield
