"""The built models compute what MediaPipe's published models do, and building fails safely.

`litert.json` holds the outputs of LiteRT 2.3.0 (package `ai-edge-litert`) for `pattern` with the
published TensorFlow Lite files: every 112th anchor of the palm detector, and all outputs of the
landmark model. LiteRT shares no code with our converter or with ONNX Runtime.
"""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest

from palm.models import FOLDER, Model, ModelMissing, Network, path
from palm.models.__main__ import SOURCES, ModelsUnavailable, build
from tests.support.pattern import pattern

REFERENCE = json.loads((Path(__file__).parent / "litert.json").read_text())


@pytest.fixture(autouse=True)
def built() -> None:
    for model in SOURCES:
        if not (FOLDER / f"{model}.onnx").exists():
            pytest.skip(f"{model} is not built: run `python -m palm.models`")


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Makes pip see no package index but an empty folder."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    return shelf


class TestAgainstLiteRT:
    def test_the_palm_detector_agrees_with_mediapipe(self) -> None:
        reference = REFERENCE["palm_detection"]
        boxes, scores = Network(Model.PALM_DETECTION)(pattern(192))
        assert boxes.shape == (1, 2016, 18)
        assert boxes[0, reference["anchors"]] == pytest.approx(
            np.array(reference["boxes"]), abs=1e-3
        )
        assert scores[0, reference["anchors"], 0] == pytest.approx(
            np.array(reference["scores"]), abs=1e-3
        )

    def test_the_landmark_model_agrees_with_mediapipe(self) -> None:
        reference = REFERENCE["hand_landmark"]
        landmarks, presence, handedness, world = Network(Model.HAND_LANDMARK)(pattern(224))
        assert landmarks[0] == pytest.approx(np.array(reference["landmarks"]), abs=1e-3)
        assert presence[0] == pytest.approx(np.array(reference["presence"]), abs=1e-5)
        assert handedness[0] == pytest.approx(np.array(reference["handedness"]), abs=1e-5)
        assert world[0] == pytest.approx(np.array(reference["world"]), abs=1e-5)


@pytest.mark.process
def test_a_network_keeps_nothing_to_tell_about_its_use(tmp_path: Path) -> None:
    # ONNX Runtime keeps what it tells its maker, and an identifier, in the home folder.
    root = str(FOLDER.parents[1])
    run = "from palm.models import Model, Network; Network(Model.PALM_ENCODER)"
    # It tells nothing where a variable says that it is being tested, so it has no others.
    home = {"HOME": str(tmp_path), "PYTHONPATH": root, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", run], env=home, cwd=tmp_path, check=True)
    assert list(tmp_path.rglob("*")) == []


class TestBuilding:
    @pytest.mark.parametrize("model", Model)
    def test_weights_stay_in_half_precision(self, model: Model) -> None:
        weights = onnx.load(path(model)).graph.initializer
        single = [each for each in weights if each.data_type == onnx.TensorProto.FLOAT]
        large = [each for each in single if np.prod(each.dims, dtype=int) >= 256]
        assert not large, "only a few numbers are in single precision"

    @pytest.mark.parametrize("model", SOURCES)
    def test_the_licence_is_stored_with_the_model(self, model: Model) -> None:
        assert "Apache License" in (FOLDER / f"{model}.LICENSE").read_text()

    def test_existing_models_are_not_built_again(self, no_index: Path) -> None:
        assert build(FOLDER) == []

    def test_a_missing_model_says_how_to_build_it(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr("palm.models.FOLDER", tmp_path)
        with pytest.raises(ModelMissing, match=r"python -m palm\.models"):
            path(Model.PALM_DETECTION)

    @pytest.mark.process
    def test_without_a_package_index_it_says_why_and_what_to_do(
        self, no_index: Path, tmp_path: Path
    ) -> None:
        with pytest.raises(ModelsUnavailable, match=r"No matching distribution.*Connect"):
            build(tmp_path / "models")

    @pytest.mark.process
    def test_a_model_of_another_converter_is_replaced_whole_or_not_at_all(
        self, no_index: Path, tmp_path: Path
    ) -> None:
        for model in SOURCES:
            shutil.copy(path(model), tmp_path)
        old = onnx.load(tmp_path / "hand_landmark.onnx")
        old.producer_name = "an earlier one"
        onnx.save(old, tmp_path / "hand_landmark.onnx")
        with pytest.raises(ModelsUnavailable):
            build(tmp_path)
        assert onnx.load(tmp_path / "hand_landmark.onnx").producer_name == "an earlier one"

    @pytest.mark.process
    def test_a_counterfeit_wheel_is_refused(self, no_index: Path, tmp_path: Path) -> None:
        name = "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl"
        with zipfile.ZipFile(no_index / name, "w") as wheel:
            about = "mediapipe-0.10.21.dist-info"
            wheel.writestr(
                f"{about}/METADATA", "Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n"
            )
            wheel.writestr(
                f"{about}/WHEEL",
                "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\n"
                "Tag: cp311-cp311-manylinux_2_28_x86_64\n",
            )
            wheel.writestr(f"{about}/RECORD", "")
        with pytest.raises(ModelsUnavailable, match="not the published file"):
            build(tmp_path / "models")
        assert not (tmp_path / "models").exists()
