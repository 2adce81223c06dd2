"""Palms as they are stored."""

import cbor2

from cloud.keys.person_keys import Key
from cloud.keys.persons import OpenPerson
from cloud.recognition.palms import entry, keep_template
from cloud.recognition.tables import PalmRow
from palm.search.protection import ProtectedTemplate
from protocol.messages import Side

PERSON = OpenPerson("person-1", Key.generate())
TEMPLATE = ProtectedTemplate(2, "a1b2", b"\x01\x02", b"\x03\x04\x05")


def stored() -> PalmRow:
    row = PalmRow(id="palm-1", person_id="person-1", side=Side.LEFT)
    keep_template(PERSON, row, TEMPLATE)
    return row


def test_a_stored_palm_is_opened():
    assert entry(PERSON, stored()).template == TEMPLATE


def test_a_palm_that_version_0_1_0_stored_with_a_quality_is_opened():
    row = stored()
    raw = cbor2.dumps([TEMPLATE.search_code, TEMPLATE.sealed, 0.9])
    row.template = PERSON.key.seal(raw, "palms.template/palm-1")
    assert entry(PERSON, row).template == TEMPLATE
