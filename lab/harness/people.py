"""What is kept of those who are enrolled, in a folder that the laboratory names."""

import json
from dataclasses import astuple, dataclass
from pathlib import Path

from palm.evaluation import SIDED
from palm.hand.landmarks import Side
from palm.liveness.signed import Signs
from palm.template.interfaces import Template
from protocol.encoding import from_base64, to_base64


def person_of(subject: str) -> str:
    """Returns the person of a subject, who may be one of two hands, as `p01-left` and `p01-right`
    are. People are independent of each other, and the hands of one person are not."""
    sided = SIDED.fullmatch(subject)
    return subject if sided is None else sided[1]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one hand."""

    template: Template
    signs: Signs | None
    """None where neither ring nor second camera has seen it."""


class People:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def enrol(self, subject: str, side: Side, kept: Kept) -> None:
        """Writes what is kept of one hand; an earlier one of the same hand is replaced."""
        folder = self._folder / subject
        folder.mkdir(parents=True, exist_ok=True)
        template, signs = kept.template, kept.signs
        told = {
            "version": template.version,
            "data": to_base64(template.data),
            "signs": signs
            and [to_base64(e) if isinstance(e, bytes) else e for e in astuple(signs)],
        }
        (folder / f"{side.value}.json").write_text(json.dumps(told), encoding="utf-8")

    def kept(self, subject: str, side: Side) -> Kept | None:
        """Returns what is kept of this hand of a subject, None if it is not enrolled."""
        file = self._folder / subject / f"{side.value}.json"
        if not file.exists():
            return None
        told = json.loads(file.read_text(encoding="utf-8"))
        template = Template(told["version"], from_base64(told["data"]))
        # A folder from before there were signs has none.
        match told.get("signs"):
            case [lines, relief, veins, float(skin)]:
                fields = (each and from_base64(each) for each in (lines, relief, veins))
                return Kept(template, Signs(*fields, skin=skin))
            case _:
                return Kept(template, None)

    def subjects(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        return sorted(each.name for each in self._folder.iterdir() if each.is_dir())
