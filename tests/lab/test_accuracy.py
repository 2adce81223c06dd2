"""docs/accuracy.md and the README are what the figures give."""

from dataclasses import replace

import pytest

from lab.accuracy.__main__ import READMES, taken
from lab.accuracy.document import accuracy, summary, with_summary
from lab.accuracy.figures import Found, Measurement, percent
from lab.sets import ROOT

pytestmark = pytest.mark.slow

SET = "roi-contactless"


@pytest.fixture(scope="module")
def found() -> Found:
    return taken()


def changed(found: Found, **figures: object) -> dict[str, Measurement]:
    """Returns the measurements with other figures for one set."""
    one = found[SET]
    return {**found, SET: replace(one, figures=one.figures | figures)}


def line(document: str, *words: str) -> str:
    """Returns the first line that has all these words."""
    return next(each for each in document.splitlines() if all(word in each for word in words))


def test_the_document_is_what_the_figures_make_it(found: Found):
    written = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")
    assert written == accuracy(found), "write it anew: ./run accuracy --write"


@pytest.mark.parametrize("file", READMES)
def test_the_readmes_quote_the_figures(found: Found, file: str):
    readme = (ROOT / file).read_text(encoding="utf-8")
    assert readme == with_summary(readme, READMES[file](found)), (
        "write it anew: ./run accuracy --write"
    )


def test_every_picture_that_is_shown_exists_and_is_of_curves(found: Found):
    shown = {f"{what}.svg" for what, each in found.items() if f"{what}.svg" in accuracy(found)}
    assert shown
    for name in shown:
        picture = (ROOT / "docs" / "accuracy" / name).read_text(encoding="utf-8")
        assert "<image" not in picture


def test_a_goal_is_met_met_for_sure_or_not_met(found: Found):
    def verdict(eer: float, ci95: tuple[float, float]) -> str:
        document = accuracy(changed(found, eer=eer, eer_ci95=list(ci95)))
        return line(document, SET, "EER ≤ 0.02 %").split("|")[-2].strip()

    assert verdict(0.0001, (0.0, 0.0002)) == "met"
    assert verdict(0.0001, (0.0, 0.0005)) == "met; too few people to be sure"
    assert verdict(0.0005, (0.0003, 0.0009)) == "**not met**"
    assert verdict(0.0005, (0.0001, 0.0009)) == "**not met**; too few people to be sure"


def rates(not_found: float) -> dict[str, object]:
    """Returns the figures of what came of searches."""
    shares = {"accepted": 1 - not_found, "not_found": not_found}
    shares |= dict.fromkeys(("step_up", "false_step_up", "false_accept"), 0.0)
    ends = {f"{name}_ci95": [share / 2, min(2 * share, 1)] for name, share in shares.items()}
    return {"count": 200, "people": 150, **shares, **ends}


def decisions(images: int, not_found: float) -> dict[str, object]:
    """Returns the figures of what the policy decides in a gallery of 10,000."""
    size = {
        "gallery": 10_000,
        "compared": 150,
        "scores": {"step_up": 8.0, "accept": 10.7, "verify": 6.7},
        "presentations": rates(not_found),
        "visits": rates(not_found / 10),
        "strangers": rates(1.0),
        "strangers_visits": rates(1.0),
    }
    verified = {"score": 6.7, "comparisons": 9000}
    verified |= dict.fromkeys(("missed", "missed_visits", "false_matches"), 0.02)
    verified |= {f"{name}_ci95": [0.01, 0.04] for name in tuple(verified)[2:]}
    return {"enrolled_from": images, "probed_by": images, "sizes": [size], "verified": verified}


def test_what_the_policy_decides_comes_first_and_makes_the_readmes_table(found: Found):
    told = changed(found, decisions=[decisions(1, 0.02), decisions(3, 0.004)])
    document = accuracy(told)
    assert document.index("## What the service decides") < document.index("EER")
    assert "2 % [1, 4]" in line(document, f"| {SET} | 1 / 1 | 10,000 | 150 | 200 presentations")
    assert "0.04 % [0.02, 0.08]" in line(document, f"| {SET} | 3 / 3 |", "200 visits")
    assert "| 10,000 | 8.00 | 10.70 |" in document
    one, three = (each for each in summary(told).splitlines() if f"`{SET}`" in each)
    assert "| 1 / 1 | 150 | 98 % [49, 100] | 0 % [0, 0] | 2 % [1, 4] | 0.2 % [0.1, 0.4] |" in one
    assert "| 3 / 3 |" in three
    reached = line(document, SET, "not found by the policy for 10,000, of presentations ≤ 0.5 %")
    assert "0.4 % [0.2, 0.8] | met" in reached, "as many images as were measured"


def test_a_set_with_folders_to_join_is_told_joined_only(found: Found):
    told = changed(found, decisions=[decisions(1, 0.02)])
    joined = {**told, f"{SET}-joined": told[SET]}
    names = {each.split("`")[1] for each in summary(joined).splitlines() if "`" in each}
    assert f"{SET}-joined" in names
    assert SET not in names


def test_figures_of_several_commits_are_told_apart(found: Found):
    one = replace(found[SET], commit="abc1234")
    assert "measured at commit abc1234" in accuracy({SET: one})
    several = accuracy({SET: one, "realism": replace(found["realism"], commit="def5678")})
    assert "roi-contactless at abc1234; realism at def5678" in several


def test_the_goal_for_attacks_applies_to_the_worst_instrument(found: Found):
    def rate(name: str, rate: float) -> dict[str, object]:
        ci95 = {"low": rate / 2, "high": rate * 2}
        return {"name": name, "presentations": 100, "estimate": {"rate": rate, "ci95": ci95}}

    light = {
        "name": "light, then pulse",
        "asked": rate("living", 0.07),
        "bpcer": [rate("all", 0.001), rate("dark skin", 0.02)],
        "apcer": [rate("print", 0.01), rate("silicone cast", 0.2)],
        "iapmr": [rate("print", 0.01), rate("silicone cast", 0.15)],
    }
    both = {
        "name": "light and near infrared, then pulse",
        "asked": None,
        "bpcer": [rate("all", 0.02), rate("dark skin", 0.03)],
        "apcer": [rate("print", 0.01), rate("silicone cast", 0.03)],
        "iapmr": [rate("print", 0.01), rate("silicone cast", 0.02)],
    }
    dim = {**light, "apcer": [rate("print", 0.3)], "bpcer": [rate("all", 0.005)]}
    figures = [
        {"name": "usual circumstances", "people": 50, "judgements": [light, both]},
        {"name": "dim light", "people": 50, "judgements": [dim]},
    ]
    document = accuracy({**found, "attacks": Measurement("python", "a machine", "abc", figures)})

    def reach(*words: str) -> str:
        return line(document, "| attacks |", *words)

    assert "| 20 % [10, 40] | **not met** |" in reach("APCER", "usual circumstances by light, ")
    assert "| 30 % [15, 60] | **not met** |" in reach("APCER", "worst circumstances by light, ")
    assert "| 0.1 % [0.05, 0.2] | met |" in reach("BPCER ≤ 1 %, usual circumstances by light, ")
    assert "| 0.5 % [0.25, 1] | met |" in reach("BPCER ≤ 1 %, the worst circumstances by light")
    assert "| 3 % [1.5, 6] | met; too few" in reach("APCER", "light and near infrared")
    assert "| 2 % [1, 4] |" in reach("BPCER", "light and near infrared")
    assert "| 100 | 7 % [3.5, 14] | - |" in line(document, "living, asked for a pulse")
    assert "| 100 | 20 % [10, 40] | 3 % [1.5, 6] |" in line(document, "APCER, silicone cast")
    assert "| 100 | 15 % [7.5, 30] | 2 % [1, 4] |" in line(document, "IAPMR, silicone cast")


def test_template_protection_is_shown_once_it_is_measured(found: Found):
    share = {"share": 0.98, "share_ci95": [0.97, 0.99]}
    codes = {"mate_within": {"64": {**share, "of_a_million": 0.9}}}
    figures = {
        "people": 3000,
        "probes": 500,
        "template_version": 2,
        "dimensions": 1024,
        "accuracy": {"vectors": {"mate_within": {"64": share}}, "codes": codes},
        "unlinkability": {
            "d_sys": 0.0123,
            "d_sys_by_chance_at_most": 0.02,
            "d_sys_within_one_gallery": 0.97,
            "secrets": 10,
        },
        "linked_galleries": [{"known": 20, "found": 0.75}],
        "irreversibility": [{"attacker_knows": "the secret", "cosine": 0.99, "accepted": 1.0}],
    }
    one = Measurement("python", "a machine", "abc", figures)
    document = accuracy({**found, "protection": one})
    assert "| 64 | 98 % [97, 99] | 98 % [97, 99] | 90 % |" in document
    assert "3,000 drawn people enrolled" in document
    assert "0.0123 between codes under 10 pairs of secrets" in document
    assert "| 20 | 75 % |" in document
    assert "| the secret | 0.990 | 100 % |" in document


def test_a_document_without_any_measurement_says_so():
    document = accuracy({})
    assert document.count("Not measured yet.") == 6
    assert "| **not shown** |" in document


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0 %"),
        (0.00019, "0.019 %"),
        (0.0125, "1.2 %"),
        (0.162, "16.2 %"),
        (0.99224, "99.22 %"),
        (1, "100 %"),
        (None, "-"),
    ],
)
def test_a_share_keeps_its_significant_digits(share: float | None, said: str):
    assert percent(share) == said


def test_what_was_not_measured_is_not_shown(found: Found):
    without = {what: each for what, each in found.items() if what != SET}
    assert "**not shown**" in line(accuracy(without), SET, "EER ≤ 0.02 %")


def test_each_measurement_names_its_command_machine_and_commit(found: Found):
    document = accuracy(found)
    for what, each in found.items():
        row = line(document, f"| {what} |", each.command)
        assert each.machine in row
        assert each.commit in row


def test_a_readme_without_marks_for_the_table_is_refused(found: Found):
    with pytest.raises(ValueError, match="not found"):
        with_summary("# Nothing here", summary(found))
