"""Sounds: what a gate answers is also heard."""

from hardware.address import Address
from hardware.sound.alsa import AlsaSound
from hardware.sound.sim import SimulatedSound
from hardware.sound.sound import Sound, Tone

__all__ = ["AlsaSound", "SimulatedSound", "Sound", "Tone", "sound_at"]


def sound_at(text: str) -> Sound | None:
    """Returns the loudspeaker that an address names, None for `none:`. Raises BadAddress."""
    address = Address.parse(text)
    match address.scheme:
        case "none":
            address.known()
            return None
        case "sim":
            address.known()
            return SimulatedSound()
        case "alsa":
            address.known()
            return AlsaSound(address)
        case scheme:
            raise address.wrong(
                f"names no loudspeaker: there is no '{scheme}'", "Use alsa:default, sim:, or none:."
            )
