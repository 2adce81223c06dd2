"""Cells of files are text to every spreadsheet."""

import csv
import io

import pytest

from cloud.web.language import only_text

SIGNS = "=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20"


@pytest.mark.parametrize("sign", SIGNS)
def test_a_cell_that_begins_like_a_formula_begins_with_an_apostrophe(sign: str):
    assert only_text(f"{sign}1+1") == f"'{sign}1+1"
    assert only_text(f"  {sign}1+1") == f"'  {sign}1+1" or sign in "\t\r\n"


@pytest.mark.parametrize("parted_by", [",", ";", "\t"])
@pytest.mark.parametrize(
    "name", ["=1", "Shop;=1", "Shop; @SUM(A1)", "Shop\t-1", "Shop\n+1", 'S";=1']
)
def test_no_cell_is_a_formula_whatever_a_spreadsheet_parts_cells_by(name: str, parted_by: str):
    file = io.StringIO()
    csv.writer(file).writerow([only_text(each) for each in ("first", name, "last")])
    read = csv.reader(io.StringIO(file.getvalue()), delimiter=parted_by)
    cells = [cell.strip() for row in read for cell in row]
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@"))]


@pytest.mark.parametrize(
    "name", ["", "Corner Shop", "A-B", "6 + 6", "a@b.example", "x; y", "2026-11-29"]
)
def test_what_is_no_formula_stays_as_it_is(name: str):
    assert only_text(name) == name
