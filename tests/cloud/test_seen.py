"""What a process sees is counted in memory, taken once, and kept until it could be written."""

import pytest

from cloud import seen
from cloud.policy import Limits
from cloud.seen import Became, Happened, Kind, Light, Quality, Ran, Seen, Tried, took
from protocol.messages import Outcome, ProblemType


def test_what_was_counted_is_taken_once():
    counting = Seen()
    counting.happened(Kind.ALIKE, "kiosk")
    counting.happened(Kind.ALIKE, "kiosk")
    counting.palm("kiosk", Light.RING, Outcome.FROZEN, 0.31)
    with counting.taking() as counts:
        assert counts.happened == {Happened(Kind.ALIKE, "kiosk"): 2}
        assert counts.tried == {
            Tried("kiosk", Light.RING, Became.RECOGNISED): 1,
            Tried("kiosk", Light.RING, "took 0.5"): 1,
        }
    with counting.taking() as counts:
        assert not counts


def test_what_could_not_be_written_is_taken_again():
    counting = Seen()
    counting.happened(Kind.ALIKE, "kiosk")
    counting.ran("job", removed=2)

    def write() -> None:
        with counting.taking():
            counting.happened(Kind.ALIKE, "kiosk")
            counting.failed("job", "the disk is full")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write()
    with counting.taking() as counts:
        assert counts.happened == {Happened(Kind.ALIKE, "kiosk"): 2}
        assert counts.ran == {"job": Ran(removed=2, failed=1, fault="the disk is full")}


def test_jobs_that_had_nothing_to_do_are_told_seldom():
    counting = Seen()
    counting.ran("job")
    with counting.taking() as counts:
        assert counts.ran == {"job": Ran()}
    counting.ran("job")
    with counting.taking() as counts:
        assert not counts
    counting.ran("another", removed=1)
    with counting.taking() as counts:
        assert counts.ran == {"job": Ran(), "another": Ran(removed=1)}


def test_refusals_of_some_kinds_are_counted():
    counting = Seen()
    counting.reached(Limits.PURCHASES, "somebody", "kiosk")
    counting.reached(Limits.RECEIPTS, "somebody", "kiosk")
    counting.refused(ProblemType.PALM_KNOWN, "kiosk", Light.PLAIN)
    counting.refused(ProblemType.PALM_UNUSABLE, "kiosk", Light.PLAIN)
    counting.refused(ProblemType.PALM_UNUSABLE, "kiosk", None)
    counting.refused(ProblemType.CONFLICT, "kiosk", None)
    with counting.taking() as counts:
        assert counts.happened == {
            Happened(Kind.PURCHASES, "kiosk", "somebody"): 1,
            Happened(Kind.TWICE, "kiosk"): 1,
        }
        assert counts.tried == {Tried("kiosk", Light.PLAIN, Became.UNREADABLE): 1}


def test_the_quality_of_palms_is_counted_by_classes():
    counting = Seen()
    for quality in (1.0, 0.9, 0.899, 0.7, 0.6999, 0.0):
        counting.quality("kiosk", Light.RING, quality)
    with counting.taking() as counts:
        assert {each.what: count for each, count in counts.tried.items()} == {
            Quality.CLEAR: 2,
            Quality.GOOD: 1,
            Quality.FAIR: 1,
            Quality.POOR: 2,
        }


def test_nobody_fills_the_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(seen, "MOST", 2)
    counting = Seen()
    for kiosk in ("one", "two", "three", "two"):
        counting.happened(Kind.CODES, kiosk)
    with counting.taking() as counts:
        assert counts.happened == {
            Happened(Kind.CODES, "one"): 1,
            Happened(Kind.CODES, "two"): 2,
        }


def test_what_took_longest_has_a_word_as_well():
    assert (took(0.0), took(0.2), took(10.0), took(10.1)) == (
        "took 0.2",
        "took 0.2",
        "took 10.0",
        "took longer",
    )
