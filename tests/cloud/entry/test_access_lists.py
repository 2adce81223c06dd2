"""Access lists of a site's own system, as CSV files and from the command line."""

from pathlib import Path

import pytest

from cloud.entry.access_lists import BadList, read_list
from protocol.credential import CredentialFormat
from tests.cloud.test_staff import Staff, staff  # noqa: F401 - a fixture

WHOLE = """\
phone,person,format,facility,number,doors,hours,first_day,last_day
(415) 555-0101,E-1001,wiegand_26,12,4567,North;Lab,mon-fri 07:00-19:00,2027-01-01,2027-12-31
+14155550102,E-1002,,,,,,,
"""


def test_a_list_names_people_by_the_number_that_they_dial():
    first, second = read_list(WHOLE, "US")
    assert (first.phone, second.phone) == ("+14155550101", "+14155550102")
    given = first.access
    assert given.credential is not None
    assert given.credential.format is CredentialFormat.WIEGAND_26
    assert (given.credential.facility, given.credential.number) == (12, 4567)
    assert given.doors == ("North", "Lab")
    assert second.access.model_dump(exclude_defaults=True) == {"person": "E-1002"}


def test_columns_come_in_any_order_and_may_be_left_out():
    (only,) = read_list("\ufeffperson, phone\r\nE-1001, +14155550101\r\n", "US")
    assert (only.phone, only.access.person) == ("+14155550101", "E-1001")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("phone\n", "line 1: the column 'person' is missing"),
        ("phone,person,badge\n", "line 1: the column 'badge' is not known"),
        ("phone,phone,person\n", "line 1: a column is there twice"),
        ("", "line 1: the column 'phone' is missing"),
        ("phone,person\n12,E-1\n", "line 2: phone is not a telephone number"),
        ("phone,person\n+4930901820,E-1\n", "line 2: phone is not the number of a mobile phone"),
        ("phone,person\n+14155550101\n", "line 2: there is another number of cells"),
        ("phone,person\n+14155550101,E-1,x\n", "line 2: there is another number of cells"),
        ("phone,person\n+14155550101,\n", "line 2: person: Field required"),
        ("phone,person,hours\n+14155550101,E-1,9-5\n", "line 2: hours: '9-5' is not"),
        ("phone,person,last_day\n+14155550101,E-1,tomorrow\n", "line 2: last_day:"),
        ("phone,person,format\n+14155550101,E-1,wiegand_99\n", "line 2: credential"),
        (
            "phone,person\n+14155550101,E-1\n(415) 555-0101,E-2\n",
            "line 3: the number stands in line 2 already",
        ),
    ],
)
def test_what_cannot_be_taken_is_told_by_its_line_without_the_number(text: str, told: str):
    with pytest.raises(BadList) as bad:
        read_list(text, "US")
    faults = [f"{line}: {what}" for line, what in bad.value.faults]
    assert any(fault.startswith(told) for fault in faults), faults
    assert "555" not in str(bad.value)


def test_all_faults_are_told_at_once():
    with pytest.raises(BadList) as bad:
        read_list("phone,person\n12,E-1\n13,E-2\n", "US")
    assert len(bad.value.faults) == 2


def test_who_has_not_signed_up_waits_and_nothing_is_kept_of_them(
    staff: Staff,  # noqa: F811
    tmp_path: Path,
):
    staff("merchants")
    path = tmp_path / "people.csv"
    path.write_text(WHOLE)
    told = staff("access-list", str(path))
    assert told == (
        "Given 0, unchanged 0, taken 0. Waiting for 2, who have not signed up or have not agreed "
        "here: read the list again.\n"
    )


def test_a_list_with_a_fault_changes_nothing(
    staff: Staff,  # noqa: F811
    tmp_path: Path,
):
    staff("merchants")
    path = tmp_path / "people.csv"
    path.write_text(WHOLE + "12,E-1003,,,,,,,\n")
    told = staff("access-list", str(path), status=2)
    assert "nothing was changed" in told
    assert "line 4: phone is not a telephone number" in told
