"""The templates: every text goes through gettext."""

import re
from pathlib import Path

import pytest

from cloud.portal.pages import TEMPLATES as FOLDER
from cloud.web.pages import FILES, STATIC

TEMPLATES = sorted(FOLDER.glob("*.html"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_text_of_a_template_can_be_translated(path: Path):
    template = path.read_text()
    assert "{%" in template
    without = re.sub(r"\{% trans.*?endtrans %\}", "", template, flags=re.DOTALL)
    for code in (r"\{%.*?%\}", r"\{\{.*?\}\}", r"<[^>]*>"):
        without = re.sub(code, "", without, flags=re.DOTALL)
    assert re.findall(r"[A-Za-z]{2,}", without) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_form_that_changes_something_carries_its_token(path: Path):
    for form in re.findall(r"<form.*?</form>", path.read_text(), flags=re.DOTALL):
        assert ('method="get"' in form) is not ('name="form" value="{{ form_token }}"' in form)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_field_is_tied_to_what_is_said_of_it(path: Path):
    template = path.read_text()
    if "problems.about" in template:
        fields = re.findall(r"<input (?!type=.hidden)[^>]*>", template)
        assert all(field.endswith("{{ problems.tied(problem) }}>") for field in fields)


def test_a_file_is_small():
    assert {path.name for path in FILES.iterdir()} == set(STATIC)
    assert sum(path.stat().st_size for path in FILES.iterdir()) < 80_000
