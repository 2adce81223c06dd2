import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="needs the training extra: ./run train installs it")

from palm.training import progress  # noqa: E402 - as above
from palm.training.__main__ import main  # noqa: E402 - as above
from palm.training.lessons import Lessons, swatches  # noqa: E402 - as above
from palm.training.network import Encoder, Margin  # noqa: E402 - as above

pytestmark = [
    pytest.mark.filterwarnings("ignore:You are using the legacy:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The feature will be removed:DeprecationWarning"),
]


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(progress, "_STRANGERS", 3)

    def run(steps: int) -> None:
        asked = f"--out {tmp_path} --people 4 --batch 4 --workers 1 --steps {steps}"
        monkeypatch.setattr(sys, "argv", ["train", *asked.split()])
        assert main() == 0

    return run


def test_it_goes_on_where_it_stopped_and_writes_what_the_product_runs(
    train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    train(2)
    train(3)
    assert "goes on at step 2" in capsys.readouterr().out
    state = torch.load(tmp_path / "checkpoint.pt")
    assert state["step"] == 3
    encoder = Encoder()
    encoder.load_state_dict(state["kept"])
    fields = np.random.default_rng(0).standard_normal((2, 4, 32, 32), np.float32)
    with torch.no_grad():
        taught = encoder.eval()(torch.from_numpy(fields)).numpy()
    session = onnxruntime.InferenceSession(tmp_path / "encoder.onnx")
    (written,) = session.run(None, {"field": fields})
    assert written == pytest.approx(taught, abs=2e-2)


def test_a_lesson_is_decided_by_the_seed_and_its_number(tmp_path: Path):
    skins = swatches(1, 2, tmp_path, 1)
    one, again = (Lessons(skins, 2, 1, 10, 3)[4] for _ in range(2))
    other = Lessons(skins, 2, 1, 10, 3)[5]
    assert torch.equal(one[0], again[0])
    assert torch.equal(one[1], again[1])
    assert not torch.equal(one[0], other[0])


def test_a_margin_makes_the_own_centre_harder_to_reach():
    loss = Margin(people=3)
    embeddings = torch.nn.functional.normalize(torch.randn(4, 256))
    who = torch.tensor([0, 1, 2, 0])
    assert loss(embeddings, who, 0.35) > loss(embeddings, who, 0.0)
