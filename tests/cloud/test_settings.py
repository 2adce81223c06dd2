"""Settings files of earlier versions."""

import asyncio
from pathlib import Path

from cloud import plugins, settings
from cloud.settings import Vault
from cloud.vault.client import VaultClient
from palm.template.fused import FusedExtractor, FusedMatcher
from palm.template.linefield import LineFieldExtractor, LineFieldMatcher

BEFORE_0_2 = """\
[[recognition.schemes]]
version = 2
signer = "palm.fused:FusedSigner"
matcher = "palm.fused:FusedMatcher"
calibration = [[1e-3, 5.27], [1e-4, 6.72]]

[[recognition.schemes]]
version = 1
signer = "palm.linefield:LineFieldSigner"
matcher = "palm.linefield:LineFieldMatcher"
calibration = [[1e-3, 0.393], [1e-4, 0.418]]
shortlist = 1024
"""


def test_the_names_of_earlier_settings_mean_the_present_parts(tmp_path: Path):
    (tmp_path / "settings.toml").write_text(BEFORE_0_2)
    fused, line_field = settings.load(tmp_path / "settings.toml").recognition.schemes
    assert isinstance(plugins.make(fused.extractor), FusedExtractor)
    assert isinstance(plugins.make(fused.matcher), FusedMatcher)
    assert isinstance(plugins.make(line_field.extractor), LineFieldExtractor)
    assert isinstance(plugins.make(line_field.matcher), LineFieldMatcher)


def test_a_vault_runs_with_earlier_settings(tmp_path: Path):
    (tmp_path / "settings.toml").write_text(BEFORE_0_2)
    recognition = settings.load(tmp_path / "settings.toml").recognition

    async def run() -> list[int]:
        async with VaultClient(Vault(), recognition, tmp_path / "vault") as vault:
            return vault.introduction.versions

    assert asyncio.run(run()) == [2, 1]
