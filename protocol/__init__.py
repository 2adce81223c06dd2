"""What kiosk and service share: the messages between them, and how each stores its secrets.

- `messages` defines the requests and responses of the service's API.
- `signature` signs and verifies requests.
- `documents` signs and verifies receipts; `merkle` proves what their log holds, and
  `verify_receipt` is the command with which anybody checks one.
- `envelope` seals a capture so that only the vault can read it.
- `capture` encodes the frames of one palm.
- `challenge` derives the steps of a light challenge; `ring` defines the light ring.
- `mobile` checks mobile numbers; `credential` gives the bits of a card.
- `canonical` and `encoding` convert values and bytes for the wire.
- `files` writes small private files; `storage` tells why a disk stores nothing.
"""

from datetime import UTC, datetime

VERSION = "0.1.0"
"""The version of the whole product; pyproject.toml reads it from here."""

RELEASED = datetime(2026, 11, 1, tzinfo=UTC)
"""A time before which this version was not there: a clock that shows an earlier one is wrong. It is
set anew with each VERSION, never to a later time than that of the release."""
