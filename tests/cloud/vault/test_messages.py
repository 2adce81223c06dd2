"""Messages between the service and the vault have the bytes that they always had."""

from dataclasses import replace

import pytest

from cloud.vault.messages import (
    HEAD,
    Answer,
    CannotExamine,
    Compare,
    Confirm,
    Confirmation,
    Confirmed,
    Examine,
    ExaminedPalm,
    Introduce,
    Introduction,
    LightChallenge,
    MakeSearchCodes,
    NotLive,
    Protect,
    Protected,
    Question,
    Rekey,
    Rekeyed,
    Scores,
    SearchCodes,
    Share,
    Shared,
    Traced,
    WireRefusal,
    pack,
    traced,
    unpack_answer,
    unpack_question,
)
from palm.hand.landmarks import Side as HandSide
from palm.search.protection import ProtectedProbe, ProtectedTemplate
from palm.template.interfaces import Template
from protocol import canonical
from protocol.messages import Purpose, Side, VaultKey

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TEMPLATE = ProtectedTemplate(2, "a1b2", b"\x01\x02", b"\x03\x04\x05")
PROBE = ProtectedProbe(TEMPLATE, b"\x06\x07")
PALM = ["left", [[[2, "a1b2", b"", b""], b""]], ["pay", "visit-1", b""]]

QUESTIONS: list[tuple[Question, str]] = [
    (Introduce(), "0000000b8169696e74726f64756365"),
    (
        Examine(
            b"\x01",
            "device-1",
            "visit-1",
            [Purpose.PAY, Purpose.LEAVE],
            [1, 2],
            LightChallenge(b"\x02", b"\x03", b"\x04"),
            infrared=True,
        ),
        "000000318a676578616d696e654101686465766963652d316776697369742d31"
        "8263706179656c656176658201024102f541034104",
    ),
    (
        Examine(b"\x01", "device-1", None, [Purpose.ENROL], [], None, infrared=False),
        "0000001f88676578616d696e654101686465766963652d31f68165656e726f6c80f6f4",
    ),
    (
        Compare(2, b"\x01", [b"\x02", b"\x03"]),
        "000000118467636f6d706172650241018241024103",
    ),
    (
        Confirm(2, b"\x01", [b"\x02", b"\x03"]),
        "000000118467636f6e6669726d0241018241024103",
    ),
    (MakeSearchCodes(2, [b"\x01"]), "0000000a8364636f646502814101"),
    (Protect(Template(2, b"\x01")), "0000000c836770726f74656374024101"),
    (Rekey(), "00000007816572656b6579"),
    (
        Share(2, VaultKey(key_id="k" * 16, suite="X", public_key="AQI="), b"\x01", [b"\x02"]),
        "00000024856573686172650283706b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b61584201024101814102",
    ),
]
"""Questions, and their bytes as the first version of the service wrote them. A question about a
light challenge has two more fields since challenges are bound to pictures, and templates carry no
quality any more."""

ANSWERS: list[tuple[Answer, str]] = [
    (
        Introduction(
            [VaultKey(key_id="k1", suite="suite-1", public_key="Cgs=")],
            [2, 1],
            "a1b2",
        ),
        "0000001f84657661756c748183626b316773756974652d31420a0b8202016461316232",
    ),
    (
        ExaminedPalm(Side.LEFT, (PROBE,), Purpose.PAY, "visit-1", b"\x09", 0.25, None, pulse=True),
        "0000003a876c70726573656e746174696f6e646c656674818284026461316232420102430304054206"
        "0783637061796776697369742d314109f93400f6f5",
    ),
    (
        NotLive(Purpose.PAY, "visit-1", b"\x09"),
        "0000001982686c6966656c65737383637061796776697369742d314109",
    ),
    (
        CannotExamine(WireRefusal.STALE, "sealed too long ago, or in the future"),
        "00000036836772656675736564657374616c6578257365616c656420746f6f206c6f6e672061676f2c206f72"
        "20696e2074686520667574757265",
    ),
    (Scores([0.5, None]), "0000000d826673636f72657382f93800f6"),
    (
        Confirmed([Confirmation.AGREES, Confirmation.LACKS, Confirmation.DISAGREES, None]),
        "000000248269636f6e6669726d65648466616772656573656c61636b7369646973616772656573f6",
    ),
    (SearchCodes([b"\x01", None]), "0000000b8265636f646573824101f6"),
    (
        Protected(TEMPLATE),
        "00000019826970726f7465637465648402646131623242010243030405",
    ),
    (Rekeyed("c3d4"), "0000000e826772656b657965646463336434"),
    (Shared(b"\x01"), "0000000a82667368617265644101"),
]
"""Answers, and their bytes as the first version of the vault wrote them, except for the quality
that templates carried."""


def names(messages: list[tuple[Question, str]] | list[tuple[Answer, str]]) -> list[str]:
    return [type(message).__name__ for message, _ in messages]


@pytest.mark.parametrize(("question", "written"), QUESTIONS, ids=names(QUESTIONS))
def test_a_question_has_the_bytes_of_the_first_version_and_is_read_back(
    question: Question, written: str
):
    packed = bytes.fromhex(written)
    assert pack(question) == packed
    assert unpack_question(packed[HEAD.size :]) == question
    assert HEAD.unpack(packed[: HEAD.size]) == (len(packed) - HEAD.size,)


@pytest.mark.parametrize(("answer", "written"), ANSWERS, ids=names(ANSWERS))
def test_an_answer_has_the_bytes_of_the_first_version_and_is_read_back(
    answer: Answer, written: str
):
    packed = bytes.fromhex(written)
    assert pack(answer) == packed
    assert unpack_answer(packed[HEAD.size :]) == answer


@pytest.mark.parametrize(("question", "_"), QUESTIONS, ids=names(QUESTIONS))
def test_a_question_is_read_back_with_its_trace(question: Question, _: str):
    packed = traced(pack(question), TRACE)
    assert unpack_question(packed[HEAD.size :]) == Traced(TRACE, question)
    assert HEAD.unpack(packed[: HEAD.size]) == (len(packed) - HEAD.size,)


def test_the_quality_is_told_to_whoever_asks_for_it_alone():
    light = LightChallenge(b"\x02", b"\x03", b"\x04")
    for challenge in (None, light):
        asked = Examine(b"\x01", "device-1", None, [Purpose.PAY], [], challenge, infrared=False)
        before, now = (pack(replace(asked, quality=quality)) for quality in (False, True))
        assert unpack_question(before[HEAD.size :]) == asked
        assert unpack_question(now[HEAD.size :]) == replace(asked, quality=True)
    assert unpack_question(pack(Introduce(quality=True))[HEAD.size :]) == Introduce(quality=True)
    told = ExaminedPalm(Side.LEFT, (PROBE,), Purpose.PAY, "visit-1", b"\x09", quality=0.75)
    assert unpack_answer(pack(told)[HEAD.size :]) == told


def test_the_two_enumerations_of_sides_mean_the_same():
    assert [Side(side) for side in HandSide] == list(Side)


@pytest.mark.parametrize(
    "message",
    [
        [],
        ["nonsense"],
        ["introduce", 1],
        ["introduce", "quality", "quality"],
        ["compare", "2", b"\x01", []],
        ["examine", b"\x01", "device-1", None, ["steal"], [], None, False],
        ["examine", b"\x01", "device-1", None, ["pay"], [], b"\x02", False],
        ["examine", b"\x01", "device-1", None, ["pay"], [], b"\x02", False, b"\x03"],
        ["examine", b"\x01", "device-1", None, ["pay"], [], None, False, b"\x03", b"\x04"],
        ["examine", b"\x01", "device-1", None, ["pay"], [], None, False, "beauty"],
        ["examine", b"\x01", "device-1", None, ["pay"], [], b"\x02", False, b"\x03", "quality"],
        ["traced", TRACE.upper(), ["introduce"]],
        ["traced", TRACE, ["nonsense"]],
        ["traced", TRACE, ["traced", TRACE, ["introduce"]]],
        "introduce",
    ],
)
def test_a_message_that_is_no_question_is_refused(message: object):
    with pytest.raises(ValueError, match=r"not a (question|valid Purpose)"):
        unpack_question(canonical.encode(message))


@pytest.mark.parametrize(
    "message",
    [
        [],
        ["nonsense"],
        ["vault", [], [], "a1b2"],
        ["vault", [["k1"]], [2], "a1b2"],
        ["presentation", "left", [], ["pay", "visit-1", b""], None, None, True],
        ["presentation", "left", [[[2], b""]], ["pay", "visit-1", b""], None, None, True],
        ["presentation", *PALM, None, None, True, 1.5],
        ["presentation", *PALM, None, None, True, float("nan")],
        ["presentation", *PALM, None, None, True, 1],
        ["presentation", *PALM, None, None, True, 0.5, 0.5],
        ["refused", "out of mood", ""],
        ["protected", [2, "a1b2"]],
    ],
)
def test_a_message_that_is_no_answer_is_refused(message: object):
    with pytest.raises(ValueError, match="not a"):
        unpack_answer(canonical.encode(message))


def test_no_template_is_printed_with_a_message():
    messages = [*(question for question, _ in QUESTIONS), *(answer for answer, _ in ANSWERS)]
    for message in messages:
        for secret in (TEMPLATE.search_code, TEMPLATE.sealed, PROBE.whole):
            assert repr(secret) not in repr(message)
