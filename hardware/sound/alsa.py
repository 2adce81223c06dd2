"""A loudspeaker of this machine, `alsa:default`, played by the program `aplay` of Debian's package
alsa-utils: a library for sound would bring a hundred times what two tones need."""

import asyncio
import io
import shutil
import wave
from asyncio.subprocess import DEVNULL, PIPE
from functools import lru_cache

import numpy as np

from hardware.address import Address
from hardware.faults import TemporaryFault
from hardware.sound.sound import Tone

RATE = 48_000
"""Samples a second."""
LOUDNESS = 0.6
"""A share of the loudest sample there is. The mixer of the system sets how loud that is."""
EDGE_S = 0.008
"""How long each note fades in and out, so that it does not click."""
LONGER_S = 5.0
"""How much longer than the sound its program may take until it is killed."""

BUZZER_HZ = 2000.0
"""What the buzzer of a card reader sounds like."""

_Notes = tuple[tuple[float, float], ...]

_NOTES: dict[Tone, _Notes] = {
    Tone.PASS: ((880.0, 0.09), (1318.5, 0.14)),
    Tone.STOP: ((233.1, 0.18), (0.0, 0.06), (233.1, 0.28)),
}
"""Each note's frequency in Hz, 0 for a pause, and its length in seconds."""


class AlsaSound:
    def __init__(self, address: Address) -> None:
        """Raises BadAddress when there is no `aplay`."""
        self.name = address.rest or "default"
        program = shutil.which("aplay")
        if program is None:
            raise address.wrong("needs the program aplay", "Install Debian's package alsa-utils.")
        self._program = program
        self.volume = 1.0

    async def play(self, tone: Tone) -> None:
        """See `Sound.play`."""
        await self._play(_NOTES[tone])

    async def buzz(self, seconds: float) -> None:
        """See `Sound.buzz`."""
        await self._play(((BUZZER_HZ, seconds),))

    async def _play(self, notes: _Notes) -> None:
        """Raises TemporaryFault."""
        seconds = sum(length for _, length in notes)
        words = ("-q", "-t", "wav", "-D", self.name, "-")
        player = await asyncio.create_subprocess_exec(
            self._program, *words, stdin=PIPE, stdout=DEVNULL, stderr=PIPE
        )
        try:
            async with asyncio.timeout(seconds + LONGER_S):
                _, said = await player.communicate(_wav(notes, self.volume))
        except TimeoutError:
            raise TemporaryFault(
                f"The loudspeaker {self.name} does not end a sound.", "Check the sound card."
            ) from None
        finally:
            if player.returncode is None:
                player.kill()
                await player.wait()
        if player.returncode:
            why = said.decode(errors="replace").strip().rpartition("\n")[2] or "aplay failed"
            raise TemporaryFault(
                f"The loudspeaker {self.name} cannot be heard: {why}.",
                "List what there is with aplay -L, and name one of them: alsa:NAME.",
            )


@lru_cache(maxsize=8)
def _wav(notes: _Notes, volume: float) -> bytes:
    """Returns a sound of a loudness from 0 to 1 as a WAV file of one channel with 16 bits."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        for frequency, seconds in notes:
            at = np.arange(round(RATE * seconds)) / RATE
            edges = np.clip(np.minimum(at, seconds - at) / EDGE_S, 0, 1)
            heard = LOUDNESS * volume * edges * np.sin(2 * np.pi * frequency * at)
            out.writeframes(np.int16(32767 * heard).tobytes())
    return file.getvalue()
