"""The questions that the service asks the vault, and the vault's answers.

They travel over a stream that only these two use. A message is its length (four bytes, big-endian)
and that many bytes of canonical CBOR: a list of the message's name and its fields, as the docstring
of its class shows. On each stream one question is asked at a time. The order and names of the
fields must not change: a vault that runs by itself may be older or newer than the service.
"""

import math
import os
import re
import struct
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from enum import StrEnum
from typing import Any

from palm.search.protection import ProtectedProbe, ProtectedTemplate
from palm.template.interfaces import Template
from protocol import canonical
from protocol.encoding import from_base64, to_base64
from protocol.envelope import MAX_ENVELOPE
from protocol.messages import Purpose, Side, VaultKey, VaultKeySet

AT_ONCE = min(os.cpu_count() or 1, 8)
"""The largest number of questions that a service asks at a time, each on a stream of its own. A
vault makes its templates one after the other, which keeps up with the readers of eight
processors."""
MAX_MESSAGE = MAX_ENVELOPE + 4096
MAX_VERSION = 2**16
"""The number below which every template version is."""
HEAD = struct.Struct(">I")
"""The length before each message."""
_TRACE = re.compile("[0-9a-f]{32}")
_QUALITY = "quality"


class WireRefusal(StrEnum):
    """Why the vault makes no template of a capture."""

    UNREADABLE = "unreadable"
    """Not a valid envelope, or sealed for another device, visit, purpose or challenge."""
    COLOUR_ONLY = "colour only"
    """Without near-infrared frames although the device has a near-infrared camera."""
    STALE = "stale"
    """Sealed too long ago, or in the future."""
    UNUSABLE = "unusable"
    """Opened, but shows no palm that a template can be made of; the detail is a
    `cloud.vault.examiner.Flaw`."""


class Confirmation(StrEnum):
    """What the signs of a palm (`palm.liveness.signed`) say of a match with an enrolled one."""

    AGREES = "agrees"
    """No sign that both have speaks against it."""
    LACKS = "lacks"
    """As AGREES, and the enrolled palm lacks a sign that the presented one has."""
    DISAGREES = "disagrees"


# Questions


@dataclass(frozen=True, slots=True)
class Introduce:
    """`["introduce"]`; answered by `Introduction`. `["introduce", "quality"]` is asked by whoever
    wants to know whether a vault understands `Examine.quality`: one of before refuses it."""

    quality: bool = False

    def encode(self) -> list[Any]:
        return ["introduce", *_wish(self.quality)]


@dataclass(frozen=True, slots=True)
class LightChallenge:
    """A light challenge that was answered, as the service knows it (`protocol.binding`)."""

    seed: bytes = field(repr=False)
    commitment: bytes
    """The digest of the pictures in white."""
    answer: bytes
    """The digest of the pictures under the steps."""


@dataclass(frozen=True, slots=True)
class Examine:
    """`["examine", envelope, device_id, visit_id, [purpose, ...], [version, ...], seed, infrared,
    commitment, answer, "quality"]`; answered by `ExaminedPalm`, `NotLive` or `CannotExamine`.
    Without a light challenge seed is null, and commitment and answer are left out; so is "quality"
    where nobody wants to be told it."""

    envelope: bytes = field(repr=False)
    device_id: str
    visit_id: str | None
    """The visit that the envelope must be sealed for; None allows any."""
    purposes: Sequence[Purpose]
    """The purposes that the envelope may be sealed for."""
    versions: Sequence[int]
    """The template versions that are needed besides the current one."""
    challenge: LightChallenge | None
    """The light challenge that the envelope names; None when it names none."""
    infrared: bool
    """Whether a capture without near-infrared frames is refused."""
    quality: bool = False
    """Whether the answer tells the quality of the palm. Vaults of before do not understand it."""

    def encode(self) -> list[Any]:
        light = self.challenge
        return [
            "examine",
            self.envelope,
            self.device_id,
            self.visit_id,
            [purpose.value for purpose in self.purposes],
            list(self.versions),
            light and light.seed,
            self.infrared,
            *((light.commitment, light.answer) if light else ()),
            *_wish(self.quality),
        ]


@dataclass(frozen=True, slots=True)
class Compare:
    """`["compare", version, probe, [reference, ...]]`; answered by `Scores`.

    The probe is `ProtectedProbe.whole`, the references are sealed templates.
    """

    version: int
    probe: bytes = field(repr=False)
    references: Sequence[bytes] = field(repr=False)

    def encode(self) -> list[Any]:
        return ["compare", self.version, self.probe, list(self.references)]


@dataclass(frozen=True, slots=True)
class Confirm:
    """`["confirm", version, probe, [reference, ...]]`; answered by `Confirmed`. The fields
    are those of `Compare`."""

    version: int
    probe: bytes = field(repr=False)
    references: Sequence[bytes] = field(repr=False)

    def encode(self) -> list[Any]:
        return ["confirm", self.version, self.probe, list(self.references)]


@dataclass(frozen=True, slots=True)
class MakeSearchCodes:
    """`["code", version, [sealed, ...]]`; answered by `SearchCodes`."""

    version: int
    sealed: Sequence[bytes] = field(repr=False)

    def encode(self) -> list[Any]:
        return ["code", self.version, list(self.sealed)]


@dataclass(frozen=True, slots=True)
class Protect:
    """`["protect", version, data]`; answered by `Protected`. It is for palms that were
    enrolled before templates were protected."""

    template: Template = field(repr=False)

    def encode(self) -> list[Any]:
        return ["protect", self.template.version, self.template.data]


@dataclass(frozen=True, slots=True)
class TellKeys:
    """`["keys"]`; answered by `KeysTold`."""

    def encode(self) -> list[Any]:
        return ["keys"]


@dataclass(frozen=True, slots=True)
class RenewKey:
    """`["renew key"]`; answered by `KeysTold`. The vault makes another key for captures; the one
    before opens what was sealed to it for a while (`cloud.vault.key_sets`)."""

    def encode(self) -> list[Any]:
        return ["renew key"]


@dataclass(frozen=True, slots=True)
class Rekey:
    """`["rekey"]`; answered by `Rekeyed`. The vault replaces the gallery's secret for good."""

    def encode(self) -> list[Any]:
        return ["rekey"]


@dataclass(frozen=True, slots=True)
class Share:
    """`["share", version, [key_id, suite, public_key], bound_to, [sealed, ...]]`; answered by
    `Shared`. Templates of captures for `Purpose.KEEP` alone are shared."""

    version: int
    key: VaultKey
    """The kiosk's key for this list."""
    bound_to: bytes
    """`protocol.site_list.binding`."""
    sealed: Sequence[bytes] = field(repr=False)

    def encode(self) -> list[Any]:
        key = [self.key.key_id, self.key.suite, from_base64(self.key.public_key)]
        return ["share", self.version, key, self.bound_to, list(self.sealed)]


@dataclass(frozen=True, slots=True)
class Traced:
    """`["traced", trace_id, question]` (`traced`); answered as the question is. What is logged
    meanwhile names the trace."""

    trace_id: str
    """In 32 hexadecimal digits (W3C Trace Context)."""
    question: "Question"


Question = (
    Introduce
    | Examine
    | Compare
    | Confirm
    | MakeSearchCodes
    | Protect
    | TellKeys
    | RenewKey
    | Rekey
    | Share
)


# Answers


@dataclass(frozen=True, slots=True)
class Introduction:
    """`["vault", [[key_id, suite, public_key], ...], [version, ...], transform]`."""

    keys: list[VaultKey]
    """The keys that captures can be sealed to, newest first."""
    versions: list[int]
    """The template versions that the vault makes and compares, the current one first."""
    transform: str
    """The name of the transform that it makes search codes under
    (`cloud.vault.transforms.name_of`)."""

    def encode(self) -> list[Any]:
        keys = [[key.key_id, key.suite, from_base64(key.public_key)] for key in self.keys]
        return ["vault", keys, self.versions, self.transform]


@dataclass(frozen=True, slots=True)
class ExaminedPalm:
    """`["presentation", side, [probe, ...], [purpose, visit_id, nonce], agreement, score, pulse,
    quality]`: a palm, and what was sealed with its capture. The quality is left out where it was
    not asked for."""

    side: Side
    probes: tuple[ProtectedProbe, ...]
    """One in each version that was asked for, the current one first."""
    purpose: Purpose
    visit_id: str
    nonce: bytes
    agreement: float | None = None
    """For an enrolment, the score of one frame against the others in the current version; None when
    there is only one frame."""
    score: float | None = None
    """The liveness score (`cloud.vault.examiner.Presentation`)."""
    pulse: bool = False
    """Whether the pulse was seen."""
    quality: float | None = None
    """The mean quality of the palm in its frames (`palm.hand.roi.Roi`), 0 to 1; None where it was
    not asked for."""

    @property
    def current(self) -> ProtectedTemplate:
        """The template that is enrolled."""
        return self.probes[0].kept

    def encode(self) -> list[Any]:
        return [
            "presentation",
            self.side.value,
            [[_template_list(probe.kept), probe.whole] for probe in self.probes],
            [self.purpose.value, self.visit_id, self.nonce],
            self.agreement,
            self.score,
            self.pulse,
            *([] if self.quality is None else [self.quality]),
        ]


@dataclass(frozen=True, slots=True)
class NotLive:
    """`["lifeless", [purpose, visit_id, nonce]]`: the capture does not show a living hand."""

    purpose: Purpose
    visit_id: str
    nonce: bytes

    def encode(self) -> list[Any]:
        return ["lifeless", [self.purpose.value, self.visit_id, self.nonce]]


@dataclass(frozen=True, slots=True)
class CannotExamine:
    """`["refused", kind, detail]`; the detail quotes nothing of the capture.

    It also answers any other question that could not be answered, with the kind `UNUSABLE`.
    """

    kind: WireRefusal
    detail: str

    def encode(self) -> list[Any]:
        return ["refused", self.kind.value, self.detail]


@dataclass(frozen=True, slots=True)
class Scores:
    """`["scores", [score, ...]]`; null stands for a reference that does not open."""

    scores: list[float | None]

    def encode(self) -> list[Any]:
        return ["scores", self.scores]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """`["confirmed", [confirmation, ...]]`; null stands for a reference that does not open."""

    confirmations: list[Confirmation | None]

    def encode(self) -> list[Any]:
        return ["confirmed", [each and each.value for each in self.confirmations]]


@dataclass(frozen=True, slots=True)
class SearchCodes:
    """`["codes", [search_code, ...]]`; null stands for a template that does not open."""

    search_codes: list[bytes | None] = field(repr=False)

    def encode(self) -> list[Any]:
        return ["codes", self.search_codes]


@dataclass(frozen=True, slots=True)
class Protected:
    """`["protected", [version, transform, search_code, sealed]]`."""

    template: ProtectedTemplate

    def encode(self) -> list[Any]:
        return ["protected", _template_list(self.template)]


@dataclass(frozen=True, slots=True)
class KeysTold:
    """`["keys", document]`: the signed set of public keys, as JSON."""

    keys: VaultKeySet

    def encode(self) -> list[Any]:
        return ["keys", self.keys.model_dump_json()]


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """`["rekeyed", transform]`: the name of the new transform."""

    transform: str

    def encode(self) -> list[Any]:
        return ["rekeyed", self.transform]


@dataclass(frozen=True, slots=True)
class Shared:
    """`["shared", sealed]`: templates sealed to a kiosk (`protocol.site_list`)."""

    sealed: bytes = field(repr=False)

    def encode(self) -> list[Any]:
        return ["shared", self.sealed]


Answer = (
    Introduction
    | ExaminedPalm
    | NotLive
    | CannotExamine
    | Scores
    | Confirmed
    | SearchCodes
    | Protected
    | KeysTold
    | Rekeyed
    | Shared
)


def pack(message: Question | Answer) -> bytes:
    """Returns a message with its length before it."""
    body = canonical.encode(message.encode())
    return HEAD.pack(len(body)) + body


def traced(packed: bytes, trace_id: str) -> bytes:
    """Returns a packed question in `Traced`. Vaults of before do not understand it."""
    # The null, a byte, gives way to the question, which is long and packed already.
    body = canonical.encode(["traced", trace_id, None])[:-1] + packed[HEAD.size :]
    return HEAD.pack(len(body)) + body


def unpack_question(body: bytes) -> Question | Traced:
    """Raises ValueError when the bytes are no question."""
    match canonical.decode(body):
        case ["traced", str(trace_id), question] if _TRACE.fullmatch(trace_id):
            return Traced(trace_id, _question(question))
        case question:
            return _question(question)


def _question(item: Any) -> Question:  # noqa: PLR0911 - one for each question
    match item:
        case ["introduce", *wish] if wish in ([], [_QUALITY]):
            return Introduce(quality=bool(wish))
        case [
            "examine",
            bytes(envelope),
            str(device_id),
            str() | None as visit_id,
            list(purposes),
            list(versions),
            bytes() | None as seed,
            bool(infrared),
            *more,
        ] if all(map(_is_version, versions)):
            wanted = [Purpose(purpose) for purpose in purposes]
            quality = more[-1:] == [_QUALITY]
            light = _light_challenge(seed, more[:-1] if quality else more)
            return Examine(
                envelope, device_id, visit_id, wanted, versions, light, infrared, quality
            )
        case ["compare", version, bytes(probe), list(references)] if _is_version(
            version
        ) and _are_bytes(references):
            return Compare(version, probe, references)
        case ["confirm", version, bytes(probe), list(references)] if _is_version(
            version
        ) and _are_bytes(references):
            return Confirm(version, probe, references)
        case ["code", version, list(sealed)] if _is_version(version) and _are_bytes(sealed):
            return MakeSearchCodes(version, sealed)
        case ["protect", version, bytes(data)] if _is_version(version):
            return Protect(Template(version, data))
        case ["keys"]:
            return TellKeys()
        case ["renew key"]:
            return RenewKey()
        case ["rekey"]:
            return Rekey()
        case ["share", version, key, bytes(bound_to), list(sealed)] if _is_version(
            version
        ) and _are_bytes(sealed):
            return Share(version, _key(key), bound_to, sealed)
        case _:
            raise ValueError("not a question")


def unpack_answer(body: bytes) -> Answer:  # noqa: PLR0911 - one for each answer
    """Raises ValueError when the bytes are no answer."""
    match canonical.decode(body):
        case ["vault", list(keys), list(versions), str(transform)] if versions and all(
            map(_is_version, versions)
        ):
            return Introduction(list(map(_key, keys)), versions, transform)
        case [
            "presentation",
            str(side),
            [_, *_] as probes,
            [str(purpose), str(visit_id), bytes(nonce)],
            float() | None as agreement,
            float() | None as score,
            bool(pulse),
            *quality,
        ] if _is_number(agreement) and _is_number(score):
            return ExaminedPalm(
                Side(side),
                tuple(map(_probe, probes)),
                Purpose(purpose),
                visit_id,
                nonce,
                agreement=agreement,
                score=score,
                pulse=pulse,
                quality=_told_quality(quality),
            )
        case ["lifeless", [str(purpose), str(visit_id), bytes(nonce)]]:
            return NotLive(Purpose(purpose), visit_id, nonce)
        case ["refused", str(kind), str(detail)]:
            return CannotExamine(WireRefusal(kind), detail)
        case ["scores", list(scores)] if all(map(_is_number, scores)):
            return Scores(scores)
        case ["confirmed", list(confirmations)]:
            return Confirmed([each and Confirmation(each) for each in confirmations])
        case ["codes", list(search_codes)] if _are_bytes(
            [each for each in search_codes if each is not None]
        ):
            return SearchCodes(search_codes)
        case ["protected", template]:
            return Protected(_template(template))
        case ["keys", str(document)]:
            return KeysTold(VaultKeySet.model_validate_json(document))
        case ["rekeyed", str(transform)]:
            return Rekeyed(transform)
        case ["shared", bytes(sealed)]:
            return Shared(sealed)
        case _:
            raise ValueError("not an answer")


def _is_version(item: Any) -> bool:
    # In Python a boolean is an integer too.
    return type(item) is int and 0 <= item < MAX_VERSION


def _is_number(item: Any) -> bool:
    """Returns whether it is null, or a number that can be compared with others."""
    return item is None or (type(item) is float and math.isfinite(item))


def _are_bytes(items: Sequence[Any]) -> bool:
    return all(type(item) is bytes for item in items)


def _wish(quality: bool) -> list[str]:
    return [_QUALITY] if quality else []


def _told_quality(item: list[Any]) -> float | None:
    match item:
        case []:
            return None
        case [float(quality)] if 0 <= quality <= 1:
            return quality
        case _:
            raise ValueError("not an answer")


def _light_challenge(seed: bytes | None, digests: list[Any]) -> LightChallenge | None:
    match seed, digests:
        case None, []:
            return None
        case bytes(), [bytes(commitment), bytes(answer)]:
            return LightChallenge(seed, commitment, answer)
        case _:
            raise ValueError("not a question")


def _key(item: Any) -> VaultKey:
    match item:
        case [str(key_id), str(suite), bytes(public_key)]:
            return VaultKey(key_id=key_id, suite=suite, public_key=to_base64(public_key))
        case _:
            raise ValueError("not a key")


def _template_list(template: ProtectedTemplate) -> list[Any]:
    return list(astuple(template))


def _probe(item: Any) -> ProtectedProbe:
    match item:
        case [kept, bytes(whole)]:
            return ProtectedProbe(_template(kept), whole)
        case _:
            raise ValueError("not a probe")


def _template(item: Any) -> ProtectedTemplate:
    match item:
        case [version, str(transform), bytes(search_code), bytes(sealed)] if _is_version(version):
            return ProtectedTemplate(version, transform, search_code, sealed)
        case _:
            raise ValueError("not a template")
