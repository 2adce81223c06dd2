"""How often something is said at most, such as a line of the log about what strangers send."""

import time


class Seldom:
    """Lets one in a while through. It is called wherever something would be said."""

    def __init__(self, every_s: float) -> None:
        """`every_s` is the shortest time between two that are let through, in seconds."""
        self.every_s = every_s
        self._again_at = float("-inf")

    def __call__(self) -> bool:
        """Returns whether it may be said now."""
        now = time.monotonic()
        if now < self._again_at:
            return False
        self._again_at = now + self.every_s
        return True
