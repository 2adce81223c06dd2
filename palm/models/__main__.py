"""`python -m palm.models`: builds the models that do not exist yet."""

import signal

if __name__ == "__main__":
    # An interrupt while the rest is imported must not print where it happened.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import hashlib
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import onnx

from palm.models import FOLDER, Model, convert

log = logging.getLogger("palm.models")

CONVERTER = hashlib.sha256(Path(convert.__file__).read_bytes()).hexdigest()
"""The SHA-256 of the converter's source. It is stored in every model that is built, so that a
change of the converter rebuilds the models."""

WHEEL = "mediapipe==0.10.21"
WHEEL_SHA256 = "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3"
LICENCE = "mediapipe-0.10.21.dist-info/LICENSE"
LICENCE_SHA256 = "8707eef0533987efc5b155d64761eeb6e20793f50b9bd1a68dad1cf4719d0ed8"


class ModelsUnavailable(RuntimeError):
    """The models could not be built. The message tells the cause and the remedy."""


@dataclass(frozen=True, slots=True)
class Source:
    """A model as MediaPipe publishes it, and the names of its outputs in our file."""

    member: str
    sha256: str
    outputs: tuple[str, ...]


SOURCES = {
    Model.PALM_DETECTION: Source(
        member="mediapipe/modules/palm_detection/palm_detection_full.tflite",
        sha256="1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
        outputs=("boxes", "scores"),
    ),
    Model.HAND_LANDMARK: Source(
        member="mediapipe/modules/hand_landmark/hand_landmark_full.tflite",
        sha256="11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
        outputs=("landmarks", "presence", "handedness", "world"),
    ),
}


def build(folder: Path) -> list[Path]:
    """Builds the models that are missing in the folder or were built by another version of the
    converter.

    Returns the files that were built. Raises ModelsUnavailable when the published files cannot be
    downloaded or are not the expected ones.
    """
    missing = {
        model: source for model, source in SOURCES.items() if not _current(_file(folder, model))
    }
    if not missing:
        return []
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(_fetch(Path(scratch))) as wheel:
        licence = _member(wheel, LICENCE, LICENCE_SHA256)
        for model, source in missing.items():
            tflite = _member(wheel, source.member, source.sha256)
            converted = convert.convert(tflite, inputs=["image"], outputs=source.outputs)
            converted.producer_name = CONVERTER
            file = _file(folder, model)
            _write(file.with_suffix(".LICENSE"), licence)
            _write(file, converted.SerializeToString(deterministic=True))
    return [_file(folder, model) for model in missing]


def _file(folder: Path, model: Model) -> Path:
    return folder / f"{model}.onnx"


def _current(file: Path) -> bool:
    return file.exists() and onnx.load(file).producer_name == CONVERTER


def _fetch(scratch: Path) -> Path:
    """Downloads the wheel, for one fixed platform since only its data files are used."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    command += ["--no-deps", "--only-binary=:all:", "--platform=manylinux_2_28_x86_64"]
    command += ["--python-version=311", "--implementation=cp", f"--dest={scratch}", WHEEL]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
    if done.returncode != 0:
        cause = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ModelsUnavailable(
            f"{WHEEL} could not be downloaded: {cause}. Connect this machine to a package index "
            "that pip can reach (or set PIP_INDEX_URL to a mirror) and try again."
        )
    wheel = next(scratch.glob("*.whl"))
    _verify(wheel.name, wheel.read_bytes(), WHEEL_SHA256)
    return wheel


def _member(wheel: zipfile.ZipFile, name: str, sha256: str) -> bytes:
    data = wheel.read(name)
    _verify(name, data, sha256)
    return data


def _verify(name: str, data: bytes, sha256: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelsUnavailable(
            f"{name} is not the published file (SHA-256 {found}, expected {sha256}). "
            "Check the package index this machine downloads from."
        )


def _write(file: Path, data: bytes) -> None:
    """Writes the file atomically."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as half:
        half.write(data)
    os.chmod(half.name, 0o644)
    os.replace(half.name, file)


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        for file in build(FOLDER):
            log.info("built %s", file)
    except ModelsUnavailable as problem:
        log.error("The palm models are missing. %s", problem)
        return 1
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
