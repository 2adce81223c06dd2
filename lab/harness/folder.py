"""Presentations in folders: those that were kept, and pictures from anywhere.

A presentation is a folder with `burst.json`, as `keep` writes it, or one of pictures alone, which
were taken in white and show no answer to any light.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from lab.harness.product import Shown
from protocol.capture import MAX_FRAMES, Burst, Frame, Pulse, Spectrum
from protocol.encoding import from_base64, to_base64

_TOLD = "burst.json"
_APART_MS = 40
_PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


class NoPresentation(ValueError):
    """A folder holds no presentation; the message says why."""


class FolderSource:
    """Gives one presentation of a folder after another: itself, or its folders in the order of
    their names."""

    def __init__(self, folder: Path) -> None:
        """Raises NoPresentation."""
        if not folder.is_dir():
            raise NoPresentation(f"there is no folder {folder}")
        inside = sorted(each for each in folder.iterdir() if each.is_dir())
        self._next: Iterator[Path] = iter(inside or [folder])

    async def present(self, *, again: bool, longer: bool) -> Shown | None:
        """Returns the next presentation, or None when there is none left."""
        del again, longer
        folder = next(self._next, None)
        return None if folder is None else load(folder)


def load(folder: Path) -> Shown:
    """Raises NoPresentation."""
    try:
        if (folder / _TOLD).exists():
            return _told(folder)
        files = [each for each in sorted(folder.iterdir()) if each.suffix.lower() in _PICTURES]
        frames = [Frame(_APART_MS * n, _jpeg(file)) for n, file in enumerate(files[:MAX_FRAMES])]
        return Shown(Burst(frames), None)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoPresentation(f"{folder} holds no presentation: {error}") from None


def keep(folder: Path, shown: Shown) -> None:
    """Writes a presentation into a new folder."""
    folder.mkdir(parents=True)
    frames: list[dict[str, object]] = []
    for number, frame in enumerate(shown.burst.frames):
        name = f"{number:02}.jpg"
        (folder / name).write_bytes(frame.jpeg)
        frames.append(
            {
                "file": name,
                "at_ms": frame.at_ms,
                "light": frame.light,
                "spectrum": frame.spectrum.value,
            }
        )
    pulse = shown.burst.pulse
    told = {
        "seed": None if shown.seed is None else to_base64(shown.seed),
        "frames": frames,
        "pulse": None
        if pulse is None
        else {"at_ms": pulse.at_ms, "cells": to_base64(bytes(pulse.cells))},
    }
    (folder / _TOLD).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _told(folder: Path) -> Shown:
    told = json.loads((folder / _TOLD).read_text(encoding="utf-8"))
    frames = [
        Frame(
            each["at_ms"],
            bytearray((folder / each["file"]).read_bytes()),
            each["light"],
            Spectrum(each["spectrum"]),
        )
        for each in told["frames"]
    ]
    seed = None if told["seed"] is None else from_base64(told["seed"])
    pulse = told["pulse"]
    recorded = pulse and Pulse(pulse["at_ms"], bytearray(from_base64(pulse["cells"])))
    challenge = None if seed is None else "kept"
    return Shown(Burst(frames, challenge, recorded), seed)


def _jpeg(file: Path) -> bytearray:
    """Returns a picture as a kiosk sends it."""
    written = file.read_bytes()
    if written.startswith(b"\xff\xd8\xff") and written.endswith(b"\xff\xd9"):
        return bytearray(written)
    image = cv2.imdecode(np.frombuffer(written, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{file.name} is no picture")
    return bytearray(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes())
