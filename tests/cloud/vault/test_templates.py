"""Templates leave the vault sealed, with search codes under a secret."""

import struct
from pathlib import Path

import numpy as np
import pytest

from cloud.keys.person_keys import Key
from cloud.state import StateDamaged
from cloud.vault import keys
from cloud.vault.messages import Confirmation
from cloud.vault.templates import NotSealedHere, Scheme, Templates, Use
from palm.search.protection import SEARCH_CODE_BYTES, ProtectedProbe, ProtectedTemplate
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


def protect(templates: Templates, who: str, version: int = VERSION) -> ProtectedTemplate:
    palms = PlainExaminer().examine(burst(who), ()).palms
    return {each.kept.version: each.kept for each in templates.extract(palms, [version])}[version]


def plain(who: str) -> Template:
    return PlainExtractor().extract(PlainExaminer().examine(burst(who), ()).palms)


def differing_bits(one: bytes, other: bytes) -> int:
    """Returns the number of bits in which two codes differ."""
    return int(np.bitwise_count(np.frombuffer(one, "u1") ^ np.frombuffer(other, "u1")).sum())


def test_a_protected_template_shows_nothing_of_the_template(templates: Templates):
    protected, inside = protect(templates, "alex"), plain("alex")
    for part in (protected.search_code, protected.sealed):
        assert inside.data[:16] not in part
    assert len(protected.search_code) == SEARCH_CODE_BYTES
    assert len(protected.sealed) == len(inside.data) + 28
    assert protected.sealed != protect(templates, "alex").sealed


def test_a_template_that_version_0_1_0_sealed_is_opened(tmp_path: Path):
    templates, inside = Templates(tmp_path, SCHEMES), plain("alex")
    sealing = Key(keys.template_secrets(tmp_path).sealing)
    sealed = sealing.seal(struct.pack(">f", 0.5) + inside.data, f"template/{VERSION}")
    now = protect(templates, "alex")
    assert templates.compare(VERSION, now.sealed, [sealed, now.sealed]) == [1, 1]
    assert templates.search_codes(VERSION, [sealed]) == [now.search_code]


def test_a_template_is_compared_by_the_vault_that_sealed_it(templates: Templates):
    probe = protect(templates, "alex").sealed
    references = [protect(templates, who).sealed for who in ("alex", "sam")]
    same, other = templates.compare(VERSION, probe, references)
    assert same == 1
    assert other == pytest.approx(0, abs=0.1)


def test_a_template_is_not_compared_by_another_vault(templates: Templates, elsewhere: Templates):
    ours, theirs = protect(templates, "alex").sealed, protect(elsewhere, "alex").sealed
    assert templates.compare(VERSION, ours, [theirs, ours]) == [None, 1]
    with pytest.raises(NotSealedHere):
        templates.compare(VERSION, theirs, [ours])


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_an_altered_template_does_not_open(templates: Templates, damage: bytes | None):
    sealed = protect(templates, "alex").sealed
    altered = sealed[:-1] + bytes([sealed[-1] ^ 1]) if damage is None else damage
    assert templates.compare(VERSION, sealed, [altered]) == [None]
    assert templates.search_codes(VERSION, [altered]) == [None]


def test_a_template_does_not_open_as_one_of_another_version(templates: Templates):
    old, new = protect(templates, "alex", OLD).sealed, protect(templates, "alex").sealed
    assert templates.compare(VERSION, new, [old]) == [None]


def test_templates_are_made_in_the_current_version_and_in_those_asked_for(templates: Templates):
    palms = PlainExaminer().examine(burst("alex"), ()).palms
    assert [each.kept.version for each in templates.extract(palms, [])] == [VERSION]
    assert [each.kept.version for each in templates.extract(palms, [OLD, 7])] == [VERSION, OLD]


def test_codes_of_one_palm_are_equal_and_differ_between_versions(templates: Templates):
    code = protect(templates, "alex").search_code
    assert code == protect(templates, "alex").search_code
    assert differing_bits(code, protect(templates, "alex", OLD).search_code) > 400


def test_a_new_secret_makes_other_codes_of_the_same_sealed_templates(templates: Templates):
    before = protect(templates, "alex")
    templates.rekey()
    assert templates.transform != before.transform
    (code,) = templates.search_codes(VERSION, [before.sealed])
    assert code
    assert code == protect(templates, "alex").search_code
    assert differing_bits(before.search_code, code) > 400


def test_the_new_secret_is_kept_and_the_old_one_is_gone(tmp_path: Path):
    first = Templates(tmp_path, SCHEMES)
    (path,) = tmp_path.iterdir()
    old_secret = path.read_bytes()[32:64]
    first.rekey()
    again = Templates(tmp_path, SCHEMES)
    assert again.transform == first.transform
    assert protect(again, "alex").search_code == protect(first, "alex").search_code
    (path,) = tmp_path.iterdir()
    assert old_secret not in path.read_bytes()


def test_damaged_secrets_are_reported_and_not_replaced(tmp_path: Path):
    Templates(tmp_path, SCHEMES)
    (tmp_path / keys.TEMPLATE_SECRETS).write_bytes(b"damaged")
    with pytest.raises(StateDamaged, match="backup"):
        Templates(tmp_path, SCHEMES)


def test_codes_of_one_palm_from_two_vaults_are_unrelated(
    templates: Templates, elsewhere: Templates
):
    apart = [
        differing_bits(protect(templates, w).search_code, protect(elsewhere, w).search_code)
        for w in "abcdefgh"
    ]
    assert np.mean(apart) == pytest.approx(512, abs=40)


def test_a_template_for_gates_is_shared_and_not_searched_and_one_of_the_gallery_is_not_shared(
    templates: Templates, elsewhere: Templates
):
    palms = PlainExaminer().examine(burst("alex"), ()).palms
    (probe,) = templates.extract(palms, [], Use.GATES)
    enrolled = protect(templates, "alex")
    sealed = [probe.kept.sealed, enrolled.sealed, probe.whole, b"nothing"]
    assert templates.for_gates(VERSION, sealed) == [plain("alex").data, None, None, None]
    assert templates.for_gates(OLD, sealed) == [None] * 4
    _, old = templates.extract(palms, [OLD], Use.GATES)
    assert templates.for_gates(OLD, [old.kept.sealed]) == [plain("alex").data]
    assert elsewhere.for_gates(VERSION, sealed) == [None] * 4
    compared = templates.compare(VERSION, probe.whole, [enrolled.sealed, probe.kept.sealed])
    assert compared == [1.0, None]


# Signs


def signed(templates: Templates, who: str, signs: str | None) -> ProtectedProbe:
    found = PlainExaminer().examine(burst(who, signs=signs), ())
    (probe,) = templates.extract(found.palms, [], signs=found.signs)
    return probe


def confirmed(
    templates: Templates, shown: ProtectedProbe, *known: ProtectedProbe
) -> list[Confirmation | None]:
    return templates.confirm(VERSION, shown.whole, [each.kept.sealed for each in known])


def test_signs_agree_with_those_of_the_same_palm_alone(templates: Templates):
    shown = signed(templates, "alex", "alex")
    known = [signed(templates, "alex", whose) for whose in ("alex", "sam", None)]
    assert confirmed(templates, shown, *known) == [
        Confirmation.AGREES,
        Confirmation.DISAGREES,
        Confirmation.LACKS,
    ]


def test_a_palm_without_signs_is_confirmed(templates: Templates):
    shown = signed(templates, "alex", None)
    assert confirmed(templates, shown, signed(templates, "alex", "alex")) == [Confirmation.AGREES]


def test_a_template_is_compared_and_its_code_is_made_whether_it_has_signs_or_not(
    templates: Templates,
):
    plain, with_signs = (signed(templates, "alex", signs) for signs in (None, "alex"))
    sealed = [plain.kept.sealed, with_signs.kept.sealed]
    for probe in (plain, with_signs):
        assert templates.compare(VERSION, probe.whole, sealed) == [1, 1]
    assert templates.search_codes(VERSION, sealed) == [plain.kept.search_code] * 2


def test_signs_of_another_vault_or_version_confirm_nothing(
    templates: Templates, elsewhere: Templates
):
    ours, theirs = (signed(each, "alex", "alex") for each in (templates, elsewhere))
    assert confirmed(templates, ours, theirs, ours) == [None, Confirmation.AGREES]
    assert confirmed(templates, theirs, ours) == [None]
    assert templates.confirm(OLD, ours.whole, [ours.kept.sealed]) == [None]


def test_signs_of_a_later_kind_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    templates = Templates(tmp_path, SCHEMES)
    ours = signed(templates, "alex", "alex")
    with monkeypatch.context() as later:
        later.setattr("palm.liveness.signed.VERSION", 2)
        theirs = signed(templates, "alex", "sam")
    assert confirmed(templates, ours, theirs) == [Confirmation.LACKS]


def test_a_template_for_gates_has_no_signs(templates: Templates):
    found = PlainExaminer().examine(burst("alex", signs="alex"), ())
    (probe,) = templates.extract(found.palms, [], Use.GATES, found.signs)
    assert templates.for_gates(VERSION, [probe.kept.sealed]) == [plain("alex").data]
