"""Loudspeakers: two sounds, played by a program of the system."""

import io
import os
import wave
from pathlib import Path

import numpy as np
import pytest

from hardware.faults import BadAddress, TemporaryFault
from hardware.sound import AlsaSound, SimulatedSound, Tone, sound_at

pytestmark = [pytest.mark.anyio, pytest.mark.process]


@pytest.fixture
def aplay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns the file that a stand-in for `aplay` writes what it was told and given to: there is
    no sound card here."""
    program, played = tmp_path / "aplay", tmp_path / "played"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *broken*) echo "no such card" >&2; exit 1;; esac\n'
        f'cat > "{played}.wav"; echo "$*" > "{played}"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return played


@pytest.mark.parametrize("tone", Tone)
async def test_a_sound_is_played_on_the_named_card(aplay: Path, tone: Tone) -> None:
    sound = sound_at("alsa:hw:1,0")
    assert isinstance(sound, AlsaSound)
    await sound.play(tone)
    told, samples = heard_of(aplay)
    assert told == "-q -t wav -D hw:1,0 -\n"
    assert 0.2 < len(samples) / 48_000 < 0.6
    assert np.abs(samples).max() > 10_000
    # It fades in and out, and does not click.
    assert np.abs(samples[[0, -1]]).max() < 200


async def test_half_the_volume_is_half_as_loud(aplay: Path) -> None:
    sound = sound_at("alsa:default")
    assert sound
    loudest: list[int] = []
    for sound.volume in (1.0, 0.5, 0.0):
        await sound.play(Tone.PASS)
        loudest.append(int(np.abs(heard_of(aplay)[1]).max()))
    assert loudest[1:] == [pytest.approx(loudest[0] / 2, abs=1), 0]


def heard_of(played: Path) -> tuple[str, "np.ndarray[tuple[int], np.dtype[np.int16]]"]:
    """Returns the arguments that the program got, and the samples of what it was given."""
    with wave.open(io.BytesIO(played.with_suffix(".wav").read_bytes())) as heard:
        assert (heard.getnchannels(), heard.getsampwidth(), heard.getframerate()) == (1, 2, 48_000)
        return played.read_text(), np.frombuffer(heard.readframes(heard.getnframes()), np.int16)


@pytest.mark.usefixtures("aplay")
async def test_a_card_that_is_not_there_is_told_with_its_cause() -> None:
    sound = sound_at("alsa:broken")
    assert sound
    with pytest.raises(TemporaryFault, match="no such card"):
        await sound.play(Tone.PASS)


def test_without_the_program_the_start_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadAddress, match="alsa-utils"):
        sound_at("alsa:default")


async def test_a_buzzer_sounds_for_as_long_as_it_is_told_to(aplay: Path) -> None:
    sound = sound_at("alsa:default")
    assert sound
    await sound.buzz(0.3)
    _, samples = heard_of(aplay)
    assert len(samples) == 0.3 * 48_000


async def test_a_simulated_one_keeps_what_it_has_played() -> None:
    sound = sound_at("sim:")
    assert isinstance(sound, SimulatedSound)
    await sound.play(Tone.STOP)
    await sound.buzz(0.2)
    assert (sound.played, sound.buzzed) == ([Tone.STOP], [0.2])
    assert sound_at("none:") is None
