"""`python -m ui.css_tokens [--check]`: writes the tokens and the hand of the kiosk's window as CSS
and SVG.

The pages of the portal and the console have the colours and the proportions of the kiosk's screens.
People look at a kiosk from twice the distance of a phone, so lengths are halved.
"""

import argparse
import re
import sys
from pathlib import Path

PALM = Path(__file__).parent / "qml" / "Palm"
STATIC = Path(__file__).parents[1] / "cloud/web/static"
_SCALE = 0.5
_LENGTHS = (
    *("amount", "display", "title", "heading", "button", "body", "small"),
    *("hair", "tight", "gap", "loose", "margin", "radius", "stroke", "target"),
)
_NUMBER = re.compile(r"readonly property int (\w+): (\d+)$", re.MULTILINE)
_COLOUR = re.compile(
    r"readonly property color (\w+): (?:isChosen \? [^:]+ : )?"
    r'dark \? "(#[0-9a-f]{6})" : "(#[0-9a-f]{6})"$',
    re.MULTILINE,
)
_PATH = re.compile(r'readonly property string outline: "([^"]+)"$', re.MULTILINE)
_BOX = re.compile(r"readonly property rect box: Qt\.rect\(([^)]+)\)$", re.MULTILINE)


def tokens(qml: str) -> str:
    """Returns CSS with the lengths and colours of `Tokens.qml`, in both variants."""
    lengths = dict(_NUMBER.findall(qml))
    sizes = [f"{_css(name)}: {int(lengths[name]) * _SCALE / 16:g}rem;" for name in _LENGTHS]
    colours = _COLOUR.findall(qml)
    light = [f"{_css(name)}: {in_light};" for name, _, in_light in colours]
    dark = [f"{_css(name)}: {in_dark};" for name, in_dark, _ in colours]
    return (
        "/* Written by `python -m ui.css_tokens` from ui/qml/Palm/Tokens.qml. */\n"
        f":root {{\n{_lines([*sizes, *light], 2)}}}\n"
        f"@media (prefers-color-scheme: dark) {{\n  :root {{\n{_lines(dark, 4)}  }}\n}}\n"
    )


def hand(qml: str) -> str:
    """Returns the hand of `Hand.qml` as an SVG document."""
    left, top, width, height = (float(each) for each in _BOX.findall(qml)[0].split(","))
    colour = "#00694e"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left:g} {top:g} {width:g} {height:g}">'
        f'<path fill="{colour}" d="{_PATH.findall(qml)[0]}Z"/></svg>\n'
    )


def written() -> dict[Path, str]:
    """Returns the content of each file that is written."""
    return {
        STATIC / "tokens.css": tokens((PALM / "Tokens.qml").read_text()),
        STATIC / "hand.svg": hand((PALM / "Hand.qml").read_text()),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether they agree")
    check = parser.parse_args().check
    stale = [path for path, text in written().items() if not _has(path, text)]
    for path in stale:
        if check:
            print(f"does not agree with the window: {path}")  # noqa: T201 - a command's answer
        else:
            path.write_text(written()[path])
    return 1 if check and stale else 0


def _has(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


def _css(name: str) -> str:
    return "--" + re.sub(r"[A-Z]", lambda letter: f"-{letter.group().lower()}", name)


def _lines(each: list[str], indent: int) -> str:
    return "".join(f"{' ' * indent}{line}\n" for line in each)


if __name__ == "__main__":
    sys.exit(main())
