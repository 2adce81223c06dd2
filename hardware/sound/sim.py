"""A simulated loudspeaker, `sim:`, which keeps what it has played."""

from hardware.sound.sound import Tone


class SimulatedSound:
    name = "simulated loudspeaker"

    def __init__(self) -> None:
        self.volume = 1.0
        self.played: list[Tone] = []
        self.buzzed: list[float] = []
        """The seconds of each buzz."""

    async def buzz(self, seconds: float) -> None:
        """See `Sound.buzz`."""
        self.buzzed.append(seconds)

    async def play(self, tone: Tone) -> None:
        """See `Sound.play`."""
        self.played.append(tone)
