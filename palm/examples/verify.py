"""Tells whether two pictures show one palm: `python verify.py KNOWN.jpg SHOWN.jpg`."""

import sys

from palm import NotAPalm, Palm, Unreadable, match

ACCEPTED = 1e-4
"""The false-match rate up to which a claim is believed: of 10,000 strangers, one passes."""

try:
    known, shown = (Palm.from_file(file) for file in sys.argv[1:])
except (NotAPalm, Unreadable) as refused:
    # The message says what to do.
    sys.exit(str(refused))
comparison = match(shown.template(), known.template())
if comparison.false_match_rate <= ACCEPTED:
    print("The palms are the same.")
else:
    print("The palms are not known to be the same: show the palm again, or another proof.")
