"""Many enrolled people, written straight into the database of a service that does not run, for
what depends on their number.

To enrol a hundred thousand people through the service takes a day: it makes templates of pictures
and searches for each among all before. Here the rows are written that an enrolment leaves,
each person's with a key of their own and sealed as the service seals them. The templates are those
of a few drawn palms, again and again, so that reading, opening and comparing one costs what it
costs; the search codes are random bits, under which no two palms are alike. All are left palms.
"""

from collections import defaultdict
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, func, insert, select, text, update

from cloud.db import postgres, sqlite
from cloud.db.database import Address
from cloud.db.tables import Table, new_id
from cloud.keys.person_keys import Key, MasterKey
from cloud.keys.persons import OpenPerson
from cloud.keys.tables import Person
from cloud.merchants.tables import FIRST
from cloud.payments.cards import CardDetail
from cloud.payments.tables import CardRow
from cloud.people.accounts import PROFILE, Profile
from cloud.people.tables import (
    AccountRow,
    ActivityRow,
    AgreementRow,
    Arrivals,
    ConsentRow,
    ConsentTextRow,
)
from cloud.recognition.palms import keep_template
from cloud.recognition.tables import PalmRow
from cloud.state import State
from cloud.vault import keys
from cloud.vault.templates import Scheme, Templates
from cloud.web.tables import DeviceRow
from drawn import roi
from drawn.roi import Placement
from palm.hand.landmarks import Side
from palm.hand.roi import Roi
from palm.search.protection import SEARCH_CODE_BYTES, ProtectedTemplate
from palm.template import current
from protocol import messages
from protocol.signature import key_id

DRAWN = 48
"""How many different templates the people have."""
FIRST_SEED = 6_000_000
"""The seed of the first drawn palm."""
AT_ONCE = 5000
"""So many people are written in one transaction."""
TEXT = "0" * 64
"""The digest of the text that they have agreed to, which is not what a site asks today."""

Rows = list[tuple[type[Table], dict[str, Any]]]


def templates(state: State, count: int = DRAWN) -> list[ProtectedTemplate]:
    """Returns templates of drawn palms, each of three pictures, as the vault of this state protects
    them. Its keys are made where there are none."""
    sealing = keys.sealing_key(state.vault)
    extractor, matcher = current.pair()
    vault = Templates(state.vault, [Scheme(extractor, matcher)], sealing)
    rng = np.random.default_rng(FIRST_SEED)

    def pictures(seed: int) -> list[Roi]:
        skin = roi.swatch(seed, Side.LEFT)
        placed = [roi.jittered(Placement(), rng) for _ in range(3)]
        return [Roi(roi.show(skin, rng, each, harsh=0.25), Side.LEFT, 1.0) for each in placed]

    seeds = range(FIRST_SEED, FIRST_SEED + count)
    return [vault.protect(extractor.extract(pictures(seed))) for seed in seeds]


def enrol(
    address: Address, master: MasterKey, count: int, kept: Sequence[ProtectedTemplate]
) -> None:
    """Writes so many people more than there are."""
    rng = np.random.default_rng()
    with writing(address) as connection:
        before = connection.scalar(select(Arrivals.joined)) or 0
        if before == 0:
            connection.execute(insert(ConsentTextRow).values(digest=TEXT, text="{}"))
    for first in range(before + 1, before + count + 1, AT_ONCE):
        some = range(first, min(first + AT_ONCE, before + count + 1))
        by_table: defaultdict[type[Table], list[dict[str, Any]]] = defaultdict(list)
        for joined, template in zip(some, islice(cycle(kept), len(some)), strict=True):
            another = replace(template, search_code=rng.bytes(SEARCH_CODE_BYTES))
            for table, values in rows_of(master, joined, another):
                by_table[table].append(values)
        with writing(address) as connection:
            for table, values in by_table.items():
                connection.execute(insert(table), values)
            connection.execute(update(Arrivals).values(joined=some[-1]))
    if not isinstance(address, Path):
        # A server does so by itself, after a while.
        with writing(address) as connection:
            connection.execute(text("ANALYZE"))


def rows_of(master: MasterKey, joined: int, template: ProtectedTemplate) -> Rows:
    """Returns what the database has of one person, in the order in which it has to be written.
    `joined` is their place among all who ever joined."""
    person = OpenPerson(f"person_{new_id()}", Key.generate())
    now = datetime.now(UTC)
    whose: dict[str, Any] = {"person_id": person.person_id}
    # Numbers of this form are nobody's, and no test's.
    phone = f"+1{1_000_000_000 + joined}"
    profile = Profile(phone=phone, consent_version="2026-11", agreed_at=now, holder="Alex Doe")
    card = CardDetail(customer="cus_bench", method="pm_bench", brand="visa", last4="4242")
    palm = PalmRow(id=new_id(), person_id=person.person_id, side=messages.Side.LEFT)
    keep_template(person, palm, template)
    card_id = new_id()
    return [
        (
            Person,
            {
                "id": person.person_id,
                "wrapped_key": master.wrap(person.key, person.person_id),
            },
        ),
        (
            AccountRow,
            {
                **whose,
                "phone_lookup": master.lookup("phone", phone),
                "profile": person.seal(profile, PROFILE),
                "since": now,
                "joined": joined,
            },
        ),
        (
            PalmRow,
            {
                **whose,
                "id": palm.id,
                "side": palm.side,
                "version": palm.version,
                "transform": palm.transform,
                "template": palm.template,
            },
        ),
        (
            CardRow,
            {
                **whose,
                "id": card_id,
                "detail": person.seal(card, f"cards.detail/{card_id}"),
                "lookup": master.lookup("card", card_id),
            },
        ),
        (ActivityRow, {**whose, "used_at": now}),
        (AgreementRow, {**whose, "merchant_id": FIRST, "version": "2026-11", "at": now}),
        (
            ConsentRow,
            {
                **whose,
                "id": new_id(),
                "merchant_id": FIRST,
                "site_id": FIRST,
                "digest": TEXT,
                "at": now,
            },
        ),
    ]


def devices(address: Address, count: int) -> list[Ed25519PrivateKey]:
    """Adds so many activated devices, and returns their keys."""
    made = [Ed25519PrivateKey.generate() for _ in range(count)]
    with writing(address) as connection:
        connection.execute(
            insert(DeviceRow),
            [
                {
                    "id": key_id(key.public_key()),
                    "public_key": key.public_key().public_bytes_raw(),
                    "name": f"Till {place}",
                    "merchant_id": FIRST,
                    "site_id": FIRST,
                    "activated_at": datetime.now(UTC),
                    "infrared": False,
                }
                for place, key in enumerate(made, 1)
            ],
        )
    return made


def count(address: Address) -> int:
    """Returns how many palms are enrolled."""
    with writing(address) as connection:
        return connection.scalar(select(func.count()).select_from(PalmRow)) or 0


@contextmanager
def writing(address: Address) -> Generator[Connection]:
    """A transaction in a database that no service of a file uses."""
    is_file = isinstance(address, Path)
    engine = sqlite.engine(address) if is_file else postgres.engine(address)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()
