"""What SQLite leaves of a row between the rows of a page (https://www.sqlite.org/fileformat2.html,
section 1.6)."""

from pathlib import Path

PAGE = 4096
LEAF = 0x0D
"""The first byte of a page that holds rows of a table."""


def leave_between_rows(database: Path, text: bytes) -> None:
    """Writes bytes into the unallocated space of the first page that has room for it.

    Nobody else may use the database meanwhile, and its write-ahead log is empty.
    """
    pages = bytearray(database.read_bytes())
    for page in range(PAGE, len(pages), PAGE):
        rows = int.from_bytes(pages[page + 3 : page + 5])
        first = int.from_bytes(pages[page + 5 : page + 7]) or 65_536
        start = 8 + 2 * rows
        if pages[page] == LEAF and first - start > len(text):
            pages[page + first - len(text) : page + first] = text
            database.write_bytes(pages)
            return
    raise AssertionError("no page has room")
