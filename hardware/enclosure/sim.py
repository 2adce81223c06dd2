"""A simulated contact, which stays opened until it is reset as a real one does."""


class SimulatedContact:
    name = "simulated contact"

    def __init__(self) -> None:
        self._opened = False

    def open(self) -> None:
        self._opened = True

    def reset(self) -> None:
        self._opened = False

    def was_opened(self) -> bool:
        return self._opened
