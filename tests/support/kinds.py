"""The kinds of screens."""

from typing import Any

from kiosk.screens import PalmScreen, Screen


def kinds_of_screens() -> set[type[Screen[Any]]]:
    """Returns every kind of screen that can be shown."""
    return {*Screen.__subclasses__(), *PalmScreen.__subclasses__()} - {PalmScreen}
