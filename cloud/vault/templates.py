"""Templates as they leave the vault: a search code, and the template itself, sealed.

Only the vault opens sealed templates and knows the secret transform of the search codes. A search
therefore asks the vault to compare the few templates whose codes are nearest.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from enum import StrEnum
from pathlib import Path

import cbor2
from cryptography.exceptions import InvalidTag

from cloud.keys.person_keys import Key
from cloud.vault import keys
from cloud.vault.messages import Confirmation
from cloud.vault.transforms import name_of
from palm.hand.roi import Roi
from palm.liveness import signed
from palm.liveness.signed import Signer, Signs
from palm.search.protection import ProtectedProbe, ProtectedTemplate, Transform
from palm.template.interfaces import Extractor, Matcher, Template

QUALITY_BYTES = 4
"""The bytes in front of a template that version 0.1.0 sealed: the quality of its palm, which no
decision used."""


class NotSealedHere(ValueError):
    """A value is not a template that this vault sealed."""


class Use(StrEnum):
    """What a sealed template can be opened for."""

    GALLERY = "data"
    """Comparing, here."""
    GATES = "gates"
    """Being sealed to a kiosk that stands at a gate (`protocol.site_list`)."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """An extractor, and the matcher of its templates."""

    extractor: Extractor
    matcher: Matcher


class Templates:
    def __init__(
        self, directory: Path, schemes: Sequence[Scheme], sealing: Key | None = None
    ) -> None:
        """`directory` is the vault's, and `sealing` what seals its files; the first scheme is the
        current one. Raises StateDamaged and OSError."""
        self._directory = directory
        self._sealing_files = sealing
        self._schemes = {scheme.extractor.version: scheme for scheme in schemes}
        self._signer = Signer()
        self._look()

    @property
    def versions(self) -> list[int]:
        """The template versions that can be made and compared, the current one first."""
        return list(self._schemes)

    def extract(
        self,
        palms: Sequence[Roi],
        versions: Iterable[int],
        use: Use = Use.GALLERY,
        signs: Signs | None = None,
    ) -> list[ProtectedProbe]:
        """Makes a probe in the current version, and in each of the others that is asked for, each
        with the signs of the palm. What is kept of it serves one use. A gate compares no signs."""
        wanted = {self.versions[0], *versions}
        extracted = [
            scheme.extractor.extract(palms)
            for version, scheme in self._schemes.items()
            if version in wanted
        ]
        return [
            ProtectedProbe(self.protect(each, use, signs), self._seal(each, Use.GALLERY, signs))
            for each in extracted
        ]

    def agreement(self, palms: Sequence[Roi]) -> float | None:
        """Returns the score of the first frame of a presentation against the others together, in
        the current version; None when there is only one frame."""
        if len(palms) == 1:
            return None
        scheme = self._schemes[self.versions[0]]
        first, others = (scheme.extractor.extract(some) for some in (palms[:1], palms[1:]))
        return scheme.matcher.score(first, others)

    def protect(
        self, template: Template, use: Use = Use.GALLERY, signs: Signs | None = None
    ) -> ProtectedTemplate:
        """Returns a template as it is stored. Raises KeyError for a version without a scheme."""
        kept = self._schemes[template.version].matcher.keep(template)
        return ProtectedTemplate(
            version=kept.version,
            transform=self.transform,
            search_code=self._codes([kept])[0],
            sealed=self._seal(kept, use, signs),
        )

    def compare(
        self, version: int, probe: bytes, references: Sequence[bytes]
    ) -> list[float | None]:
        """Returns the matcher's score of each reference; None for one that was not sealed here.

        Raises NotSealedHere when the probe was not, and KeyError for a version without a scheme.
        """
        matcher = self._schemes[version].matcher
        opened = self._opened(version, references)
        readable = matcher.prepare([each for each in opened if each is not None])
        scores = iter(matcher.compare(self._open(version, probe), readable).tolist())
        return [None if each is None else next(scores) for each in opened]

    def confirm(
        self, version: int, probe: bytes, references: Sequence[bytes]
    ) -> list[Confirmation | None]:
        """Returns what the signs say of each reference; None for one that was not sealed here, and
        for all when the probe was not."""
        try:
            shown = self._open_signed(version, probe)[1]
            return [self._confirmation(version, shown, each) for each in references]
        except NotSealedHere:
            return [None] * len(references)

    def _confirmation(
        self, version: int, shown: Signs | None, reference: bytes
    ) -> Confirmation | None:
        try:
            known = self._open_signed(version, reference)[1]
        except NotSealedHere:
            return None
        if shown is None:
            return Confirmation.AGREES
        if known is not None and not self._signer.compare(known, shown).agrees:
            return Confirmation.DISAGREES
        return Confirmation.LACKS if shown.complete(known) else Confirmation.AGREES

    def for_gates(self, version: int, sealed: Sequence[bytes]) -> list[bytes | None]:
        """Returns templates for the memory of gates; None for one that was not sealed here, or is
        one of the gallery."""
        opened: list[bytes | None] = []
        for each in sealed:
            try:
                opened.append(self._sealing.open(each, _place(version, Use.GATES)))
            except (InvalidTag, ValueError):
                opened.append(None)
        return opened

    def search_codes(self, version: int, sealed: Sequence[bytes]) -> list[bytes | None]:
        """Returns the search code of each template under the present secret; None for one that was
        not sealed here. Raises KeyError for a version without a scheme."""
        opened = self._opened(version, sealed)
        search_codes = iter(self._codes([each for each in opened if each is not None]))
        return [None if each is None else next(search_codes) for each in opened]

    def rekey(self) -> None:
        """Replaces the secret of the search codes. The old one is gone for good; new codes are made
        from sealed templates, never from old codes. Raises OSError."""
        self._use(keys.renew_gallery_secret(self._directory, self._sealing_files))

    def follow(self) -> None:
        """Takes over the secret of the search codes that another vault with the same directory has
        put in its place. Raises StateDamaged and OSError."""
        if keys.mark(self._directory) not in (None, self._mark):
            self._look()

    def _look(self) -> None:
        # Taken first: what is replaced after it is noticed by the next look.
        self._mark = keys.mark(self._directory)
        self._use(keys.template_secrets(self._directory, self._sealing_files))

    def _use(self, secrets: keys.TemplateSecrets) -> None:
        self._sealing = Key(secrets.sealing)
        self._transforms = {
            version: Transform(secrets.gallery, version, scheme.matcher.vectors([]).shape[1])
            for version, scheme in self._schemes.items()
        }
        self.transform = name_of(secrets.gallery, secrets.renewed_at)

    def _codes(self, templates: Sequence[Template]) -> list[bytes]:
        """Returns the search codes of templates, which are all of one version."""
        if not templates:
            return []
        version = templates[0].version
        vectors = self._schemes[version].matcher.vectors(templates)
        return [code.tobytes() for code in self._transforms[version].search_codes(vectors)]

    def _opened(self, version: int, sealed: Sequence[bytes]) -> list[Template | None]:
        opened: list[Template | None] = []
        for each in sealed:
            try:
                opened.append(self._open(version, each))
            except NotSealedHere:
                opened.append(None)
        return opened

    def _seal(self, template: Template, use: Use, signs: Signs | None) -> bytes:
        if signs is None or use is not Use.GALLERY:
            return self._sealing.seal(template.data, _place(template.version, use))
        together = cbor2.dumps([template.data, signed.VERSION, *astuple(signs)])
        return self._sealing.seal(together, _signed_place(template.version))

    def _open(self, version: int, sealed: bytes) -> Template:
        return self._open_signed(version, sealed)[0]

    def _open_signed(self, version: int, sealed: bytes) -> tuple[Template, Signs | None]:
        """Returns a template of the gallery, and its signs if it has any that can be compared."""
        with suppress(InvalidTag, ValueError):
            opened = self._sealing.open(sealed, _signed_place(version))
            data, kind, *signs = cbor2.loads(opened)
            return Template(version, data), Signs(*signs) if kind == signed.VERSION else None
        for place, before in (
            (_place(version, Use.GALLERY), 0),
            (_first_place(version), QUALITY_BYTES),
        ):
            with suppress(InvalidTag, ValueError):
                return Template(version, self._sealing.open(sealed, place)[before:]), None
        raise NotSealedHere("not a template sealed here")


def _place(version: int, use: Use) -> str:
    """Returns the place to seal for: a template does not open as one of another version or use."""
    return f"template/{version}/{use}"


def _signed_place(version: int) -> str:
    """Returns the place to seal for with signs, in the gallery."""
    return f"template/{version}/signed"


def _first_place(version: int) -> str:
    """Returns the place for which version 0.1.0 sealed."""
    return f"template/{version}"
