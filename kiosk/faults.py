"""What keeps a kiosk from starting or from working, as it is told to the operator."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self


class CannotStart(Exception):
    """`cause` says what is wrong, `remedy` what to do about it, a sentence each."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause} {remedy}")
        self.cause = cause
        self.remedy = remedy

    @classmethod
    def for_all(cls, faults: Sequence[tuple[str, str]]) -> Self:
        """Returns the error that tells several causes, each with its remedy, at once."""
        if len(faults) == 1:
            return cls(*faults[0])
        listed = "".join(f"\n  - {cause} {remedy}" for cause, remedy in faults)
        return cls(f"Several settings cannot be used:{listed}", "Correct all of them.")


class FileUnusable(CannotStart):
    """A file of the state folder cannot be used. It is left as it is."""

    def __init__(self, path: Path, cause: str, remedy: str) -> None:
        super().__init__(cause, remedy)
        self.path = path
