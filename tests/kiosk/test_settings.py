from pathlib import Path

import pytest

from kiosk.assembly import assemble
from kiosk.faults import CannotStart
from kiosk.settings import Settings
from tests.support.scripted import ScriptedStage
from tests.support.sealed import state_of


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path


def load(state: Path, *arguments: str) -> Settings:
    return Settings.load(["--state", str(state), *arguments])


def test_the_defaults_make_a_whole_kiosk_with_nothing_attached(state: Path) -> None:
    settings = load(state)
    assert settings.camera.startswith("sim:")
    assert settings.service.url is None


def test_the_state_folder_is_where_the_system_keeps_such_things(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert Settings.load([]).state == tmp_path / "palm-kiosk"


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (state / "settings.toml").write_text(
        'camera = "v4l2:/dev/video1"\nname = "Till 1"\nmerchant = "Shop"\n[patience]\nidle_s = 60\n'
    )
    monkeypatch.setenv("PALM_KIOSK_CAMERA", "v4l2:/dev/video2")
    monkeypatch.setenv("PALM_KIOSK_NAME", "Till 2")
    settings = load(state, "--camera", "v4l2:/dev/video3")
    assert settings.camera == "v4l2:/dev/video3"
    assert settings.name == "Till 2"
    assert settings.merchant == "Shop"
    assert settings.patience.idle_s == 60


def test_another_file_can_be_named(state: Path, tmp_path: Path) -> None:
    named = tmp_path / "other.toml"
    named.write_text('name = "Elsewhere"')
    assert load(state, "--settings", str(named)).name == "Elsewhere"


@pytest.mark.parametrize(
    "content",
    [
        b"name = ",
        b"\xff\xfe\x00",
        b"nome = 'typo'",
        b"[patience]\nidle_s = -1",
        b"[patience]\nidle_s = 5",
    ],
    ids=["cut short", "no text", "unknown", "out of range", "warned before it begins"],
)
def test_a_damaged_file_is_told_with_its_cause_and_remedy(state: Path, content: bytes) -> None:
    (state / "settings.toml").write_bytes(content)
    with pytest.raises(CannotStart) as wrong:
        load(state)
    assert wrong.value.cause.endswith(".")
    assert wrong.value.remedy.endswith(".")


def test_a_named_file_that_is_not_there_is_told(state: Path) -> None:
    with pytest.raises(CannotStart, match="cannot be read"):
        load(state, "--settings", str(state / "missing.toml"))


def test_a_service_elsewhere_is_spoken_to_encrypted_only(state: Path) -> None:
    with pytest.raises(CannotStart, match=r"service\.url"):
        load(state, "--service.url", "http://service.example")


def test_what_was_wrong_is_named_without_quoting_it(state: Path) -> None:
    with pytest.raises(CannotStart) as wrong:
        load(state, "--service.url", "ftp://user:secret@service.example")
    assert "secret" not in str(wrong.value)


def test_payments_without_a_touch_are_limited_by_currency(state: Path) -> None:
    (state / "settings.toml").write_text("[unconfirmed_below]\nUSD = 2500\n")
    assert load(state).unconfirmed_below == {"USD": 2500}


@pytest.mark.parametrize("table", ["GPB = 2500", "USD = 0", "XAU = 1"])
def test_a_limit_that_means_nothing_is_told(state: Path, table: str) -> None:
    (state / "settings.toml").write_text(f"[unconfirmed_below]\n{table}\n")
    with pytest.raises(CannotStart, match=f"unconfirmed_below.{table[:3]}"):
        load(state)


def test_wrong_arguments_end_with_the_usage_and_status_2(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        load(state, "--no-such-thing")
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_every_setting_is_described() -> None:
    def described(model: type) -> None:
        for name, field in model.model_fields.items():
            inner = field.annotation
            if isinstance(inner, type) and hasattr(inner, "model_fields"):
                assert inner.__doc__
                described(inner)
            else:
                assert field.description, name

    described(Settings)


def test_every_wrong_setting_is_told_at_once(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (state / "settings.toml").write_text(
        'name = ""\nnome = "typo"\nlight = "cereal:/dev/ttyACM0"\n[patience]\nidle_s = -1\n'
    )
    monkeypatch.setenv("PALM_KIOSK_SERVICE__URL", "http://user:secret@service.example")
    with pytest.raises(CannotStart) as wrong:
        load(state, "--camera", "vl42:/dev/video0", "--terminal", "nothing")
    for named in ("'name'", "'nome'", "'patience.idle_s'", "'service.url'"):
        assert named in wrong.value.cause
    for address in ("vl42:", "cereal:", "nothing"):
        assert address in wrong.value.cause
    assert "secret" not in str(wrong.value)


def test_an_address_that_is_no_text_is_told_beside_one_that_names_no_device(state: Path) -> None:
    (state / "settings.toml").write_text('camera = 5\nlight = "cereal:"\n')
    with pytest.raises(CannotStart) as wrong:
        load(state)
    assert "'camera'" in wrong.value.cause
    assert "cereal:" in wrong.value.cause


def test_every_wrong_device_is_told_at_once(state: Path) -> None:
    settings = load(state, "--camera", "v4l2:video0", "--light", "serial:x", "--infrared", "no")
    with pytest.raises(CannotStart) as wrong:
        assemble(settings, ScriptedStage([]), state_of(settings.state))
    for remedy in ("v4l2:/dev/video0", "serial:/dev/ttyACM0", "scheme:rest"):
        assert remedy in wrong.value.cause


def test_one_wrong_device_is_told_by_its_driver_alone(state: Path) -> None:
    settings = load(state, "--camera", "sim:nobody", "--infrared", "sim:")
    with pytest.raises(CannotStart) as wrong:
        assemble(settings, ScriptedStage([]), state_of(settings.state))
    assert wrong.value.cause == (
        "The device address 'sim:nobody' names no scene: there is no 'nobody'."
    )
