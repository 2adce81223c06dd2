"""What leaves the vault of a palm: nothing that anybody else can open."""

from pathlib import Path

import numpy as np
import pytest

from cloud.state import StateDamaged
from cloud.vault import keys
from cloud.vault.templates import NotSealedHere, Scheme, Templates
from palm.search.protection import SEARCH_CODE_BYTES, ProtectedTemplate
from palm.template.interfaces import Template
from tests.support.plain_palms import (
    OLD,
    VERSION,
    OldExtractor,
    OldMatcher,
    PlainExaminer,
    PlainExtractor,
    PlainMatcher,
    burst,
)

SCHEMES = [Scheme(PlainExtractor(), PlainMatcher()), Scheme(OldExtractor(), OldMatcher())]


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return Templates(tmp_path_factory.mktemp("vault"), SCHEMES)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return Templates(tmp_path_factory.mktemp("elsewhere"), SCHEMES)


def shown(templates: Templates, who: str, version: int = VERSION) -> ProtectedTemplate:
    palms = PlainExaminer().examine(burst(who), ()).palms
    return {each.kept.version: each.kept for each in templates.extract(palms, [version])}[version]


def plain(who: str) -> Template:
    return PlainExtractor().extract(PlainExaminer().examine(burst(who), ()).palms)


def turned(one: bytes, other: bytes) -> int:
    """Bits in which two codes differ."""
    return int(np.bitwise_count(np.frombuffer(one, "u1") ^ np.frombuffer(other, "u1")).sum())


def test_nothing_of_a_template_is_readable_outside(templates: Templates):
    protected, inside = shown(templates, "alex"), plain("alex")
    for part in (protected.search_code, protected.sealed):
        assert inside.data[:16] not in part
    assert len(protected.search_code) == SEARCH_CODE_BYTES
    assert len(protected.sealed) == len(inside.data) + 32
    assert protected.sealed != shown(templates, "alex").sealed


def test_it_is_compared_where_it_was_sealed(templates: Templates):
    probe = shown(templates, "alex").sealed
    references = [shown(templates, who).sealed for who in ("alex", "sam")]
    same, other = templates.compare(VERSION, probe, references)
    assert same == 1
    assert other == pytest.approx(0, abs=0.1)


def test_it_is_not_compared_anywhere_else(templates: Templates, elsewhere: Templates):
    ours, theirs = shown(templates, "alex").sealed, shown(elsewhere, "alex").sealed
    assert templates.compare(VERSION, ours, [theirs, ours]) == [None, 1]
    with pytest.raises(NotSealedHere):
        templates.compare(VERSION, theirs, [ours])


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_what_was_altered_does_not_open(templates: Templates, damage: bytes | None):
    sealed = shown(templates, "alex").sealed
    altered = sealed[:-1] + bytes([sealed[-1] ^ 1]) if damage is None else damage
    assert templates.compare(VERSION, sealed, [altered]) == [None]
    assert templates.search_codes(VERSION, [altered]) == [None]


def test_a_template_of_one_version_is_not_taken_for_one_of_another(templates: Templates):
    old, new = shown(templates, "alex", OLD).sealed, shown(templates, "alex").sealed
    assert templates.compare(VERSION, new, [old]) == [None]


def test_only_what_is_asked_for_and_the_current_version_is_signed(templates: Templates):
    palms = PlainExaminer().examine(burst("alex"), ()).palms
    assert [each.kept.version for each in templates.extract(palms, [])] == [VERSION]
    assert [each.kept.version for each in templates.extract(palms, [OLD, 7])] == [VERSION, OLD]


def test_codes_of_one_palm_are_alike_and_of_two_versions_of_it_are_not(templates: Templates):
    code = shown(templates, "alex").search_code
    assert code == shown(templates, "alex").search_code
    assert turned(code, shown(templates, "alex", OLD).search_code) > 400


def test_a_new_secret_makes_other_codes_of_the_same_sealed_templates(templates: Templates):
    before = shown(templates, "alex")
    templates.rekey()
    assert templates.transform != before.transform
    (code,) = templates.search_codes(VERSION, [before.sealed])
    assert code == shown(templates, "alex").search_code
    assert turned(before.search_code, code) > 400


def test_secrets_outlive_the_process_and_the_one_before_is_gone(tmp_path: Path):
    first = Templates(tmp_path, SCHEMES)
    (path,) = tmp_path.iterdir()
    old_secret = path.read_bytes()[32:]
    first.rekey()
    again = Templates(tmp_path, SCHEMES)
    assert again.transform == first.transform
    assert shown(again, "alex").search_code == shown(first, "alex").search_code
    (path,) = tmp_path.iterdir()
    assert old_secret not in path.read_bytes()


def test_damaged_secrets_are_told_from_missing_ones(tmp_path: Path):
    Templates(tmp_path, SCHEMES)
    (tmp_path / keys.TEMPLATE_SECRETS).write_bytes(b"damaged")
    with pytest.raises(StateDamaged, match="backup"):
        Templates(tmp_path, SCHEMES)


def test_two_vaults_make_codes_of_one_palm_that_nobody_can_link(
    templates: Templates, elsewhere: Templates
):
    apart = [
        turned(shown(templates, w).search_code, shown(elsewhere, w).search_code) for w in "abcdefgh"
    ]
    assert np.mean(apart) == pytest.approx(512, abs=40)
