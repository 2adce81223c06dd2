"""The templates of those who are enrolled, in a folder that the laboratory names."""

import json
from pathlib import Path

from palm.hand.landmarks import Side
from palm.template.interfaces import Template
from protocol.encoding import from_base64, to_base64


class People:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def enrol(self, subject: str, side: Side, template: Template) -> None:
        """Writes the template of one hand; an earlier one of the same hand is replaced."""
        folder = self._folder / subject
        folder.mkdir(parents=True, exist_ok=True)
        told = {"version": template.version, "data": to_base64(template.data)}
        (folder / f"{side.value}.json").write_text(json.dumps(told), encoding="utf-8")

    def template(self, subject: str, side: Side) -> Template | None:
        """Returns the template of this hand of a subject, None if it is not enrolled."""
        file = self._folder / subject / f"{side.value}.json"
        if not file.exists():
            return None
        told = json.loads(file.read_text(encoding="utf-8"))
        return Template(told["version"], from_base64(told["data"]))

    def subjects(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        return sorted(each.name for each in self._folder.iterdir() if each.is_dir())
