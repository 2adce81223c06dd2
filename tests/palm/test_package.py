"""The recogniser installs by itself, and what its README and examples say works there."""

import hashlib
import os
import re
import shutil
import site
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import cv2
import numpy as np
import pytest

from drawn import Presentation, draw, identity
from palm.hand.landmarks import Side
from palm.models import FOLDER, Model, path
from palm.models.__main__ import SOURCES
from protocol import VERSION

PALM = FOLDER.parent
ABOUT = tomllib.loads((PALM / "pyproject.toml").read_text(encoding="utf-8"))["project"]


class Installed:
    """The package in an environment of its own, and a folder with pictures to work in."""

    def __init__(self, environment: Path, here: Path) -> None:
        self._programs = environment / "bin"
        (self.packages,) = environment.glob("lib/python*/site-packages")
        self.here = here

    def run(self, *words: str | Path) -> str:
        """Runs `python` or `palm` with words; returns what it prints. It has to succeed."""
        program, *rest = words
        done = subprocess.run(
            [self._programs / program, *rest],
            cwd=self.here,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    if not path_of_all_models():
        pytest.skip("the palm models are not built: run `python -m palm.models`")
    folder = tmp_path_factory.mktemp("package")
    environment = folder / "environment"
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    done = subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", str(PALM)],
        env=os.environ | {"PIP_RETRIES": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and "hatchling" in done.stderr:
        pytest.skip("pip cannot get hatchling, which makes the package, from its index")
    assert done.returncode == 0, done.stderr
    here = folder / "here"
    (here / "people").mkdir(parents=True)
    poses = {"anna": Presentation(), "shown": Presentation(turn=10.0), "ben": Presentation()}
    for number, (name, pose) in enumerate(poses.items()):
        person = identity(6 if name == "ben" else 5, Side.RIGHT)
        drawing = draw(person, pose, np.random.default_rng(number), size=(360, 640))
        cv2.imwrite(str(here / f"{name}.jpg"), drawing.image)
    for name in ("anna", "ben"):
        (here / "people" / name).mkdir()
        shutil.copy(here / f"{name}.jpg", here / "people" / name)
    made = Installed(environment, here)
    # What the package depends on is taken from where the tests have it.
    (made.packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()))
    return made


def path_of_all_models() -> bool:
    return all((FOLDER / f"{model}.onnx").exists() for model in Model)


@pytest.mark.process
class TestInstalled:
    def test_what_the_readme_shows_works(self, installed: Installed) -> None:
        readme = (PALM / "README.md").read_text(encoding="utf-8")
        (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
        assert installed.run("python", "-c", code) == "True\nanna\n"

    def test_the_examples_work(self, installed: Installed) -> None:
        examples = PALM / "examples"
        verify, search = examples / "verify.py", examples / "enrol_and_search.py"
        assert {verify, search} == set(examples.iterdir())
        assert "are the same" in installed.run("python", verify, "anna.jpg", "shown.jpg")
        assert installed.run("python", search, "people", "shown.jpg") == "anna\n"

    def test_the_command_works(self, installed: Installed) -> None:
        told = installed.run("palm", "search", "anna.jpg", "shown.jpg", "ben.jpg")
        assert [line.split(":")[0] for line in told.splitlines()] == ["shown.jpg", "ben.jpg"]

    def test_it_is_whole_and_has_no_more(self, installed: Installed) -> None:
        (folder,) = installed.packages.glob("palm")
        there = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
        listed = subprocess.run(
            ["git", "ls-files"], cwd=PALM, capture_output=True, text=True, check=True
        )
        kept = {
            each for each in listed.stdout.split() if not each.startswith(("examples/", "LICENSE"))
        }
        built = {f"models/{model}.{end}" for model in SOURCES for end in ("LICENSE", "onnx")}
        compiled = {each for each in there if each.endswith(".pyc")}
        assert there - compiled == (kept - {"NOTICE", "README.md", "pyproject.toml"}) | built


def test_it_has_the_version_of_the_product_and_asks_for_three_packages():
    assert ABOUT["version"] == VERSION
    needed = {re.split(r"[<>=]", each)[0] for each in ABOUT["dependencies"]}
    assert needed == {"numpy", "opencv-python-headless", "onnxruntime"}


def test_each_model_has_a_card_with_the_hash_of_what_it_is_or_is_made_of():
    for model, source in SOURCES.items():
        assert source.sha256 in (FOLDER / f"{model}.md").read_text(encoding="utf-8")
    cards = "".join(card.read_text(encoding="utf-8") for card in FOLDER.glob("*.md"))
    for file in (path(Model.PALM_ENCODER), *FOLDER.glob("*.npz")):
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        assert f"`{digest}` ({file.name})" in cards, f"no card in palm/models has {file.name}"
