"""Real palms for tests: public sets that are not part of this repository."""

import pytest


def needs_palm_sets(*names: str) -> pytest.MarkDecorator:
    """Marks a test that reads these sets; tests/conftest.py skips it where one is missing."""
    return pytest.mark.palm_sets(*names)
