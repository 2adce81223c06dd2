"""A simulated loudspeaker, `sim:`, which keeps what it has played."""

from hardware.sound.sound import Tone


class SimulatedSound:
    name = "simulated loudspeaker"

    def __init__(self) -> None:
        self.played: list[Tone] = []

    async def play(self, tone: Tone) -> None:
        """See `Sound.play`."""
        self.played.append(tone)
