"""docs/accuracy.md as a function of the figures in docs/accuracy."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.evaluate.algorithm import PEERS

Figures = dict[str, Any]
"""What a measurement wrote with `--json`, or a part of it."""


@dataclass(frozen=True, slots=True)
class Measurement:
    command: str
    machine: str
    commit: str
    figures: Any


Found = Mapping[str, Measurement]
"""By the name of its file."""

SUMMARY = ("<!-- accuracy -->\n", "<!-- /accuracy -->\n")
"""What the README's table stands between."""

LIT, LIT_TWICE = "light, then pulse", "light and near infrared, then pulse"
"""How a kiosk without a near-infrared camera decides, and one with."""
USUAL = "usual circumstances"
"""The first of those attacks are made in; without a name it is whichever were worst."""

REACHES = (
    # What, which rate, at which FMR, in how many presentations at which FPIR, or judged by what,
    # how that is said, and at most what.
    ("roi-contactless", "EER", "", "EER", 0.0002),
    ("roi-contactless", "FNMR", "1e-5", "FNMR at FMR 1e-5", 0.002),
    ("hands-rgb", "EER", "", "EER", 0.003),
    ("hands-rgb", "FNMR", "1e-4", "FNMR at FMR 1e-4", 0.01),
    ("hands-rgb-dark", "EER", "", "EER", 0.0005),
    ("hands-rgb-dark", "FNMR", "1e-3", "FNMR at FMR 1e-3", 0.002),
    ("hands-rgb-dark-joined", "EER", "", "EER", 0.0005),
    ("hands-rgb-dark-joined", "FNMR", "1e-3", "FNMR at FMR 1e-3", 0.002),
    ("drawn", "FNIR", "1 1e-3", "FNIR at FPIR 1e-3 among 10,000", 0.01),
    ("drawn", "FNIR", "2 1e-3", "the same in up to two presentations", 0.01),
    ("attacks", "APCER", f"{USUAL} by {LIT}", "APCER of the worst instrument", 0.05),
    ("attacks", "BPCER", f"{USUAL} by {LIT}", "BPCER", 0.01),
    ("attacks", "APCER", f"{USUAL} by {LIT_TWICE}", "APCER of the worst instrument", 0.05),
    ("attacks", "BPCER", f"{USUAL} by {LIT_TWICE}", "BPCER", 0.01),
    ("attacks", "APCER", f" by {LIT}", "APCER of the worst instrument", 0.05),
    ("attacks", "BPCER", f" by {LIT}", "BPCER", 0.01),
)
"""What version 2 of the signature was to reach."""
GALLERY = 10_000
"""People among whom the FNIR was to be reached."""

_PEERS = {peer.name for peer in PEERS}
NOTHING = "-"
FMRS = ("1e-3", "1e-4", "1e-5", "1e-6")


def accuracy(found: Found) -> str:
    """The whole document."""
    parts = [
        INTRODUCTION,
        _reached(found),
        REAL_PALMS,
        *(_of_set(what, figures) for what, figures in _sets(found).items()),
        _groups(found),
        _drawn(found),
        _realism(found),
        _attacks(found),
        _protection(found),
        _taken(found),
    ]
    return "\n".join(part for part in parts if part)


INTRODUCTION = """# How well palms are told apart

Written by `./run accuracy` from what it measured ([docs/accuracy](accuracy) has the figures); not
edited by hand. Rates are those of ISO/IEC 19795-1. Brackets hold 95 %: a bootstrap over people,
who are independent where their comparisons are not, and the rule of 3 where no error was seen. A
rate is left out where fewer comparisons were made than it takes to see one error.

Nothing is trained on a real palm, and no constant is chosen by these sets alone; they measure. Nor
do they say more than this: few people, mostly one rig a set, mostly one sitting, no near infrared,
no skin wet from rain, no kiosk. The peers' codes are re-implemented from their papers
(`lab/peers`), on the same aligned palms.
"""


REAL_PALMS = """## Real palms

One image against one, every pair that may meet: across sessions where there are any. A person's two
hands are different hands. Times are of one core.
"""


def summary(found: Found) -> str:
    """The README's table: each set by the product, and by the best of its peers."""
    rows: list[list[str]] = []
    for what, figures in _sets(found).items():
        peers = [each for each in figures["codes"] if each["code"] in _PEERS]
        best = min(peers, key=lambda each: each["eer"])
        rows.append(
            [
                f"`{what}`",
                f"{figures['genuine']:,} / {figures['impostor']:,}",
                _eer(figures),
                *(_fnmr(figures, fmr) for fmr in FMRS[:3]),
                _rate(figures["rank1"]),
                f"{_rate(best['eer'])} ({best['code']})",
            ]
        )
    heads = ["set", "genuine / impostor", "EER", "FNMR at FMR 1e-3", "at 1e-4", "at 1e-5"]
    return _table([*heads, "rank 1", "EER of the best peer"], rows)


def with_summary(readme: str, table: str) -> str:
    """The README with its table replaced. Raises ValueError where it has no place for one."""
    begin, end = (readme.index(mark) for mark in SUMMARY)
    return readme[: begin + len(SUMMARY[0])] + table + readme[end:]


def _reached(found: Found) -> str:
    rows: list[list[str]] = []
    for what, rate, at, says, limit in REACHES:
        asked = f"{says} ≤ {_rate(limit)}"
        if what == "attacks":
            asked += f", {at.strip() if at.startswith(USUAL) else 'the worst circumstances' + at}"
        measured = _measured(found, what, rate, at)
        if measured is None:
            rows.append([what, asked, "not measured", "**not shown**"])
            continue
        value, (low, high) = measured
        verdict = "met" if value <= limit else "**not met**"
        if value <= limit < high:
            verdict = "met; too few people to be sure"
        if low <= limit < value:
            verdict = "**not met**; too few people to be sure"
        rows.append([what, asked, _with(value, [low, high]), verdict])
    return "## What was to be reached\n\n" + _table(["", "asked", "measured", ""], rows)


def _measured(found: Found, what: str, rate: str, at: str) -> tuple[float, list[float]] | None:
    if what not in found:
        return None
    figures = found[what].figures
    if what == "attacks":
        within, _, by = at.partition(" by ")
        judged = [
            each
            for circumstances in figures
            if within in ("", circumstances["name"])
            for each in circumstances["judgements"]
            if each["name"] == by
        ]
        if not judged:
            return None
        # Of the living all together, of attacks each instrument by itself.
        rates = [each[rate.lower()] for each in judged]
        rates = [each[:1] if rate == "BPCER" else each for each in rates]
        worst = max(
            (each["estimate"] for several in rates for each in several),
            key=lambda estimate: estimate["rate"],
        )
        return worst["rate"], _ends(worst)
    if rate == "EER":
        return figures["eer"], figures["eer_ci95"]
    if rate == "FNIR":
        galleries = [
            each
            for each in figures["galleries"]
            if each["people"] >= GALLERY and each["presentations"] == int(at[0])
        ]
        name, at, figures = "fnir_at_fpir", at[2:], galleries[0] if galleries else {}
    else:
        name = "fnmr_at_fmr"
    value = figures.get(name, {}).get(at)
    return None if value is None else (value, figures[f"{name}_ci95"][at])


def _sets(found: Found) -> dict[str, Figures]:
    """The figures of `lab.evaluate`, by set."""
    return {what: each.figures for what, each in found.items() if "codes" in each.figures}


def _of_set(what: str, figures: Figures) -> str:
    lines = [
        f"### {what}\n",
        f"{figures['subjects']} people, {figures['hands']} hands, {figures['images']} images; "
        f"{figures['genuine']:,} genuine and {figures['impostor']:,} impostor comparisons. "
        f"Failure to acquire {_rate_of(figures, 'failure_to_acquire')}."
        + (
            f" Backs of hands refused: {_rate_of(figures, 'dorsal_refused')} of "
            f"{figures['dorsal']}."
            if figures["dorsal"]
            else ""
        )
        + "\n",
    ]
    if figures["joined"]:
        lines.append(
            "The same images, with folders joined that show one hand under several names: "
            + ", ".join(f"{hand} = {other}" for hand, other in figures["joined"].items())
            + " ([how that was found](accuracy/same.csv)). As labelled, their genuine pairs count "
            "as impostors, and no code that knows them again can have few errors.\n"
        )
    lines.append(_codes(figures["codes"]))
    lines.append(f"![DET curves](accuracy/{what}.svg)\n")
    if figures["bursts"]:
        lines.append(_bursts(figures["bursts"]))
    return "\n".join(lines)


def _codes(codes: Sequence[Figures]) -> str:
    fmrs = [fmr for fmr in FMRS if codes[0]["fnmr_at_fmr"][fmr] is not None]
    return _table(
        [
            "",
            "EER",
            *(f"FNMR at {fmr}" for fmr in fmrs),
            "rank 1",
            "bytes",
            "sign, ms",
            "match, µs",
        ],
        [
            [
                _named(code),
                _eer(code),
                *(_fnmr(code, fmr) for fmr in fmrs),
                _rate(code["rank1"]),
                f"{code['template_bytes']:,}",
                f"{code['ms']['sign']:.1f}",
                f"{1e3 * code['ms']['match']:.0f}",
            ]
            for code in codes
        ],
    )


def _bursts(experiments: Iterable[Figures]) -> str:
    rows = [
        [
            f"{each['enrolled_from']} / {each['probed_by']}",
            f"{each['genuine']:,} / {each['impostor']:,}",
            _named(code),
            _eer(code),
            *(_fnmr(code, fmr) for fmr in FMRS[:3]),
            _rate(code["rank1"]),
        ]
        for each in experiments
        for code in each["codes"]
    ]
    heads = ["images enrolled / probed by", "genuine / impostor", "", "EER"]
    heads += [f"FNMR at {fmr}" for fmr in FMRS[:3]]
    return "Several images to a template:\n\n" + _table([*heads, "rank 1"], rows)


def _groups(found: Found) -> str:
    lines: list[str] = []
    for what, figures in _sets(found).items():
        for each in figures["differentials"]:
            lines.append(f"### {what}, by {each['by'].replace('_', ' ')}\n")
            lines.append(
                f"At the score {each['threshold']:.3f}, where all have an FMR of 1e-3 and an FNMR "
                f"of {_rate(each['fnmr'])}. {each['verdict'][0].upper()}{each['verdict'][1:]}.\n"
            )
            lines.append(
                _table(
                    ["group", "people", "genuine", "FNMR", "impostor", "FMR", "median score"],
                    [
                        [
                            group["name"],
                            str(group["subjects"]),
                            f"{group['genuine']:,}",
                            _rate_of(group, "fnmr"),
                            f"{group['impostor']:,}",
                            _rate_of(group, "fmr"),
                            _score(group["genuine_median"]),
                        ]
                        for group in each["groups"]
                    ],
                )
            )
    if not lines:
        return ""
    return "\n".join(
        [
            "## Differences between groups of people\n",
            "The product's code at one threshold for all (NIST IR 8280). The FNMR of the worst "
            "group should be within 1.25 times that of all; `mixed` are comparisons between two "
            "groups, an image with and one without a ring, say. Rates of fewer than 30 comparisons "
            "are not given.\n",
            *lines,
        ]
    )


def _drawn(found: Found) -> str:
    """Of `lab.evaluate.drawn_gallery`: every measurement of that name, in colour and across
    spectra."""
    heading = "## Large galleries\n\n"
    taken = {what: each.figures for what, each in found.items() if "galleries" in each.figures}
    if not taken:
        return heading + "Not measured yet.\n"
    lines = [
        heading + "Open-set identification (ISO/IEC 19795-1) among people whom the palm factory "
        "drew, and whom no training met: no set of real palms is large enough. What is said here "
        "holds of real people as far as drawn palms are like real ones. A search is made by a "
        "presentation, as the kiosk makes it: frames of one moment, whose landmarks jitter. FNIR "
        "counts whoever is not found first. In up to two presentations, who is not found shows the "
        "palm again, and strangers have two tries as well.\n",
    ]
    return "\n".join([*lines, *(_gallery(what, figures) for what, figures in taken.items())])


def _gallery(what: str, figures: Figures) -> str:
    searched = (
        "everybody was compared in full"
        if figures["shortlist"] is None
        else f"the {figures['shortlist']} whose protected codes lay nearest were compared in full"
    )
    rows = [
        [
            f"{gallery['people']:,}",
            f"{gallery['presentations']}",
            fpir,
            _with(fnir, gallery["fnir_at_fpir_ci95"][fpir]),
            f"{gallery['threshold_at_fpir'][fpir]:.3f}",
        ]
        for gallery in figures["galleries"]
        for fpir, fnir in gallery["fnir_at_fpir"].items()
    ]
    seen = "met in near infrared" if figures["infrared"] else "met in colour"
    lines = [
        f"{figures['people']:,} people enrolled in colour from {figures['frames']} pictures each, "
        f"drawn one by one at a harshness of {figures['harsh']} (0 the same gentle conditions each "
        "time, 1 anything at all) and aligned as loosely as a hand in the air, and "
        f"**{seen}** by {figures['frames']} frames a presentation; {figures['mates']:,} mated "
        f"searches and {figures['strangers']:,} non-mated ones; {searched}.\n",
        _table(["gallery", "presentations", "FPIR", "FNIR", "score"], rows),
        f"![FNIR over FPIR](accuracy/{what}.svg)\n",
    ]
    if figures["verification"]:
        lines.append(
            f"One to one, {figures['impostor']:,} impostor comparisons:\n\n"
            + _table(
                ["FMR", "FNMR", "score"],
                [
                    [each["fmr"], _rate_of(each, "fnmr"), f"{each['threshold']:.3f}"]
                    for each in figures["verification"]
                ],
            )
        )
    return "\n".join(lines)


def _realism(found: Found) -> str:
    """Of `lab.evaluate.realism`."""
    if "realism" not in found:
        return _pending("How real drawn palms are")
    figures = found["realism"].figures
    sets = figures["sets"]
    real = [each["name"] for each in sets if each["real"]]
    apart = {(each["from"], each["to"]): each for each in figures["distances"]}

    def distances(name: str, said: Callable[[Figures], str]) -> list[str]:
        return [NOTHING if one == name else said(apart[one, name]) for one in real]

    parts = [
        "## How real drawn palms are\n",
        "Each set and the palms that the factory draws, under the same measures: mean ± deviation "
        "between hands. Distances are from each real set: the root mean square of the spectra, and "
        "the share of the lines' strength that would have to be turned, at nine places. What two "
        "real sets are apart is the yardstick. [What drawn palms lack](factory.md).\n",
        _table(
            ["", "hands / pictures", "contrast", "ROI with lines", *(f"to {one}" for one in real)],
            [
                [
                    each["name"],
                    f"{each['hands']} / {each['pictures']}",
                    "{:.1f} ± {:.1f}".format(*each["contrast"]),
                    "{:.0%} ± {:.0%}".format(*each["covered"]).replace("%", " %"),
                    *distances(
                        each["name"],
                        lambda at: (
                            f"{at['spectrum_db']:.1f} dB, {_rate(at['directions_by_place'])}"
                        ),
                    ),
                ]
                for each in sets
            ],
        ),
    ]
    for which, code in enumerate(sets[0]["codes"]):
        parts += [
            f"Scores by the {code['code']}, one picture against one: mean ± deviation, and how "
            "far genuine / impostor scores lie from those of each real set (Wasserstein-1).\n",
            _table(
                ["", "genuine", "impostor", "d'", "EER", *(f"to {one}" for one in real)],
                [
                    [
                        each["name"],
                        *(
                            "{mean:.3f} ± {deviation:.3f}".format(**each["codes"][which][kind])
                            for kind in ("genuine", "impostor")
                        ),
                        f"{each['codes'][which]['d_prime']:.1f}",
                        _eer(each["codes"][which]),
                        *distances(
                            each["name"],
                            lambda at, which=which: " / ".join(
                                f"{at['codes'][which][kind]['w1']:.3f}"
                                for kind in ("genuine", "impostor")
                            ),
                        ),
                    ]
                    for each in sets
                ],
            ),
        ]
    return "\n".join([*parts, "![Spectra, directions and scores](accuracy/realism.svg)\n"])


def _attacks(found: Found) -> str:
    """Of `lab.attacks`."""
    if "attacks" not in found:
        return _pending("Presentation attacks")
    parts = [
        "## Presentation attacks\n",
        "Bursts under the light challenge, drawn by the palm factory, judged at a fixed threshold "
        "(ISO/IEC 30107-3): APCER is the share of an instrument's presentations that passed, BPCER "
        "that of living hands that did not. A kiosk with a light ring judges by light, one with a "
        "second camera by both, and where those are not sure the pulse is asked for: this is how a "
        "palm is decided on. By near infrared or pulse alone nothing ever is. **Nothing here is "
        "an artefact that anybody made: only a laboratory with real ones can certify this.**\n",
    ]
    for within in found["attacks"].figures:
        judgements: list[Figures] = within["judgements"]
        parts.append(f"{within['name'].capitalize()}, {within['people']} people:\n")
        rows = [
            [
                f"{kind.upper()}, {one['name']}",
                f"{one['presentations']:,}",
                *(
                    _with(estimate["rate"], _ends(estimate))
                    for estimate in (each[kind][which]["estimate"] for each in judgements)
                ),
            ]
            for kind in ("apcer", "bpcer")
            for which, one in enumerate(judgements[0][kind])
        ]
        asked = [each.get("asked") for each in judgements]
        rows.append(
            [
                "living, asked for a pulse",
                f"{judgements[0]['bpcer'][0]['presentations']:,}",
                *(
                    _with(each["estimate"]["rate"], _ends(each["estimate"])) if each else NOTHING
                    for each in asked
                ),
            ]
        )
        parts.append(_table(["", "presentations", *(each["name"] for each in judgements)], rows))
    return "\n".join(parts)


def _protection(found: Found) -> str:
    """Of `lab.evaluate.protection`."""
    if "protection" not in found:
        return _pending("Template protection")
    figures = found["protection"].figures
    accuracy, linked = figures["accuracy"], figures["unlinkability"]
    within = _table(
        ["mate among the nearest", "by vector", "by protected code", "of a million, by code"],
        [
            [
                k,
                _rate_of(by_vector, "share"),
                _rate_of(accuracy["codes"]["mate_within"][k], "share"),
                _rate(accuracy["codes"]["mate_within"][k]["of_a_million"]),
            ]
            for k, by_vector in accuracy["vectors"]["mate_within"].items()
        ],
    )
    attacks = _table(
        ["who has stolen a code and knows", "cosine to the true vector", "taken for the palm"],
        [
            [each["attacker_knows"], f"{each['cosine']:.3f}", _rate(each["accepted"])]
            for each in figures["irreversibility"]
        ],
    )
    return "\n".join(
        [
            "## Template protection\n",
            f"Search codes in the manner of ISO/IEC 30136: {figures['people']:,} drawn people "
            f"enrolled, {figures['probes']:,} come again, template version "
            f"{figures['template_version']} (vectors of {figures['dimensions']}). Galleries of a "
            "million are extrapolated, and the template that is compared in full is sealed: "
            "[decision 11](decisions/0011-template-protection.md).\n",
            within,
            f"Unlinkability, D_sys (0 none, 1 as good as a name): {linked['d_sys']:.4f} between "
            f"codes under {linked['secrets']} pairs of secrets, where chance alone comes to "
            f"{linked['d_sys_by_chance_at_most']:.4f}; {linked['d_sys_within_one_gallery']:.3f} "
            "under one secret, which is what a gallery is searched by.\n",
            attacks,
        ]
    )


def _pending(heading: str) -> str:
    return f"## {heading}\n\nNot measured yet.\n"


def _taken(found: Found) -> str:
    rows = [[what, f"`{each.command}`", each.machine, each.commit] for what, each in found.items()]
    return (
        "## How it was taken\n\n`./run accuracy` runs these, one after another; a `+` stands for "
        "files changed since the commit.\n\n" + _table(["", "command", "on", "commit"], rows)
    )


def _named(code: Figures) -> str:
    product = code["template_version"] > 0
    return f"{code['code']}, version {code['template_version']}" if product else code["code"]


def _eer(figures: Figures) -> str:
    return _rate_of(figures, "eer")


def _fnmr(figures: Figures, fmr: str) -> str:
    rate = figures["fnmr_at_fmr"][fmr]
    return NOTHING if rate is None else _with(rate, figures["fnmr_at_fmr_ci95"][fmr])


def _ends(estimate: Figures) -> list[float]:
    return [estimate["ci95"]["low"], estimate["ci95"]["high"]]


def _rate_of(figures: Figures, name: str) -> str:
    rate = figures[name]
    return NOTHING if rate is None else _with(rate, figures[f"{name}_ci95"])


def _with(rate: float, ci95: Sequence[float]) -> str:
    return f"{_rate(rate)} [{', '.join(_percent(end) for end in ci95)}]"


def _score(score: float | None) -> str:
    return NOTHING if score is None else f"{score:.3f}"


def _rate(rate: float) -> str:
    return f"{_percent(rate)} %"


def _percent(rate: float) -> str:
    """Two digits of it that count, or of what it lacks of all."""
    percent = 100 * rate
    return f"{percent:.{2 if percent < 10 else 3 if percent < 99 else 4}g}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
