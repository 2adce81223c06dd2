"""The protocol that every driver of an enclosure's contact implements."""

from typing import Protocol


class Contact(Protocol):
    @property
    def name(self) -> str:
        """The name the operator knows it by."""
        ...

    def was_opened(self) -> bool:
        """Returns at once whether the enclosure is open, or was opened since the contact was reset.
        Raises TemporaryFault when that cannot be told now."""
        ...
