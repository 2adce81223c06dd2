import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the training extra: ./run train installs it")

from lab.training import progress  # noqa: E402 - as above
from lab.training.__main__ import main  # noqa: E402 - as above
from lab.training.lessons import Lessons, swatches  # noqa: E402 - as above
from lab.training.network import EncoderNetwork, Margin  # noqa: E402 - as above
from lab.training.onward import take_up  # noqa: E402 - as above
from palm import models  # noqa: E402 - as above

pytestmark = [
    pytest.mark.filterwarnings("ignore:You are using the legacy:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The feature will be removed:DeprecationWarning"),
]


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(progress, "_STRANGERS", 3)

    def run(steps: int, more: str = "") -> None:
        asked = f"--out {tmp_path} --people 4 --batch 4 --workers 1 --steps {steps} {more}"
        monkeypatch.setattr(sys, "argv", ["train", *asked.split()])
        assert main() == 0

    return run


def test_a_training_resumes_and_writes_what_the_product_runs(
    train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    train(2)
    train(3)
    assert "resumes at step 2" in capsys.readouterr().out
    state = torch.load(tmp_path / "checkpoint.pt")
    assert state["step"] == 3
    encoder = EncoderNetwork()
    encoder.load_state_dict(state["kept"])
    fields = np.random.default_rng(0).standard_normal((2, 4, 32, 32), np.float32)
    with torch.no_grad():
        taught = encoder.eval()(torch.from_numpy(fields)).numpy()
    session = models.onnxruntime.InferenceSession(tmp_path / "encoder.onnx")
    (written,) = session.run(None, {"field": fields})
    assert written == pytest.approx(taught, abs=2e-2)


def test_training_continues_from_a_written_encoder(train, tmp_path: Path):
    train(2)
    taught = tmp_path / "taught.onnx"
    (tmp_path / "encoder.onnx").rename(taught)
    fields = torch.from_numpy(np.random.default_rng(0).standard_normal((40, 4, 32, 32), np.float32))
    encoder = EncoderNetwork()
    take_up(encoder, taught, fields)
    (before,) = models.onnxruntime.InferenceSession(taught).run(None, {"field": fields.numpy()})
    with torch.no_grad():
        assert encoder.eval()(fields).numpy() == pytest.approx(before, abs=1e-4)
        alone = encoder.eval().trunk(fields).numpy()
        by_batch = encoder.train().trunk(fields).numpy()
    assert by_batch == pytest.approx(alone, abs=0.05)
    (tmp_path / "checkpoint.pt").unlink()
    train(3, f"--onward {taught}")
    assert torch.load(tmp_path / "checkpoint.pt")["step"] == 3


def test_an_encoder_of_another_shape_is_refused(train, tmp_path: Path):
    train(2)
    with pytest.raises(ValueError, match="another shape"):
        take_up(EncoderNetwork((8, 8, 8)), tmp_path / "encoder.onnx", torch.zeros(2, 4, 32, 32))


def test_a_lesson_is_determined_by_the_seed_and_its_number(tmp_path: Path):
    skins = swatches(1, 2, tmp_path, 1)
    one, again = (Lessons(skins, 2, 1, 10, 3)[4] for _ in range(2))
    other = Lessons(skins, 2, 1, 10, 3)[5]
    assert torch.equal(one[0], again[0])
    assert torch.equal(one[1], again[1])
    assert not torch.equal(one[0], other[0])


def test_a_margin_makes_the_loss_higher():
    loss = Margin(people=3)
    embeddings = torch.nn.functional.normalize(torch.randn(4, 256))
    who = torch.tensor([0, 1, 2, 0])
    assert loss(embeddings, who, 0.35) > loss(embeddings, who, 0.0)
