"""`python -m cloud.portal.catalogues [LANGUAGE]`: brings the catalogues in line with the texts.

What pages say newly is added without a translation, and what they say no more is taken out. With a
language, such as `fr` or `pt_BR`, its catalogue is begun. A catalogue is edited with any editor for
gettext; `cloud.portal.languages` reads it as it is.
"""

import argparse
import sys
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from cloud.law import LAWS, PLAIN
from cloud.people import receipt_lines
from cloud.portal.languages import CATALOGUE, LOCALES
from cloud.portal.pages import TEMPLATES

_OPTIONS = {"newstyle_gettext": "true", "silent": "false"}


def texts() -> Catalog:
    """Returns every text that pages say: those of the templates, and the sentences that the service
    hands to them."""
    found = Catalog()
    for path in sorted(TEMPLATES.glob("*.html")):
        with path.open("rb") as file:
            for _, text, comments, context in extract(
                "jinja2.ext:babel_extract", file, options=_OPTIONS
            ):
                where = [(f"templates/{path.name}", 0)]
                found.add(text, None, where, auto_comments=comments, context=context)
    for text in receipt_lines.SENTENCES:
        found.add(text, None, [("cloud/people/receipt_lines.py", 0)])
    for law in LAWS.values():
        if law is not PLAIN:
            found.add(law.place, None, [("cloud/law.py", 0)])
            found.add(law.cited, None, [("cloud/law.py", 0)])
    return found


def catalogue_of(path: Path) -> Catalog:
    """Returns a catalogue as it is; an empty one where there is none yet."""
    locale = Locale.parse(path.parents[1].name)
    if not path.exists():
        return _begun(locale)
    with path.open("rb") as file:
        return read_po(file, locale, path.stem, abort_invalid=True)


def _begun(locale: Locale) -> Catalog:
    return Catalog(
        locale,
        header_comment=f"# The texts of the customers' portal: {locale.english_name}.",
        project="palm-kiosk",
        version="portal",
        msgid_bugs_address="the project's issues",
        language_team="none",
        fuzzy=False,
    )


def updated(path: Path) -> str:
    """Returns the text of a catalogue in line with the texts of the pages."""
    catalogue, found = catalogue_of(path), texts()
    found.creation_date = catalogue.creation_date
    catalogue.update(found, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    written = BytesIO()
    write_po(written, catalogue, width=100, include_lineno=False)
    return written.getvalue().decode()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("language", nargs="?", help="begins the catalogue of this one")
    begun = parser.parse_args().language
    paths = set(LOCALES.glob(f"*/{CATALOGUE}"))
    if begun is not None:
        try:
            paths.add(LOCALES / str(Locale.parse(begun)) / CATALOGUE)
        except (UnknownLocaleError, ValueError) as error:
            parser.error(str(error))
    for path in sorted(paths):
        text = updated(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
