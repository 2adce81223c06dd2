"""What the policy's thresholds are, and how sure they are, in words for an operator."""

from cloud.policy import Policy, Threshold


def lines(policy: Policy, version: int, gallery_size: int) -> list[tuple[str, str, str, str]]:
    """Returns what is decided on palms of a template version in a gallery of a size: each decision
    with the score it is made from, the false-match rate of that score, and how it is known."""
    accept, step_up = policy.accept(gallery_size), policy.step_up(gallery_size)
    told = [
        ("accept", policy.threshold(version, accept)),
        ("ask for digits", policy.threshold(version, step_up)),
        ("accept by the number", policy.threshold(version, policy.verify())),
    ]
    return [(what, _score(each), _rate(each), _known(each)) for what, each in told]


def summary(policy: Policy, version: int, gallery_size: int) -> str:
    """Returns from which score palms of a version are accepted, in a sentence."""
    found = policy.threshold(version, policy.accept(gallery_size))
    return (
        f"palms are accepted {_score(found)} on, {_rate(found)}: {_known(found)} "
        f"(version {version}, {gallery_size:,} enrolled; all thresholds: staff thresholds)"
    )


def _score(threshold: Threshold) -> str:
    if threshold.interval is None:
        return f"from {threshold.score:.2f}, interval not known"
    low, high = threshold.interval
    return f"from {threshold.score:.2f} (95 %: {low:.2f} to {high:.2f})"


def _rate(threshold: Threshold) -> str:
    return f"one match in {float(f'{10**threshold.rarity:.2g}'):,.0f} different palms"


def _known(threshold: Threshold) -> str:
    if threshold.extrapolated:
        return "extrapolated, no two different palms were seen to score as high"
    if threshold.interval is None:
        return "calibrated, how surely is not known"
    return "measured"
