"""What a gate asks of a venue's ticketing: whether somebody with this ticket may pass.

venue.py        what a visit calls, and the answers
opening.py      opens the gate that settings and state folder describe
gate.py         the rules: ask pretix, decide by the list while it is away, lose no passage
pretix.py       the device API of pretix
ticket_list.py  the downloaded check-in list, and what it says of a ticket
journal.py      what pretix must still be told, on disk
peers.py        what the gates of one venue tell each other while pretix is away
device.py       what this kiosk is at pretix, in a private file
commands.py     what an operator does: `./run kiosk venue`
"""
