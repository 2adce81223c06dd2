"""Why a kiosk cannot start, as it is told to the operator."""


class CannotStart(Exception):
    """`cause` says what is wrong, `remedy` what to do about it, a sentence each."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause} {remedy}")
        self.cause = cause
        self.remedy = remedy
