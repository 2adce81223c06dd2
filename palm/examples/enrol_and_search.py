"""Enrols everybody in a folder of NAME/*.jpg, and tells whose palm a picture shows:
`python enrol_and_search.py FOLDER SHOWN.jpg`.

The templates are stored beside the pictures as NAME.palm. They are personal data: encrypt them
where you keep them for longer than an example does.
"""

import sys
from pathlib import Path

from palm import Gallery, Palm, pack, unpack

ACCEPTED = 1e-4
"""The share of searches by strangers that may find somebody."""

folder, shown = Path(sys.argv[1]), sys.argv[2]

for person in sorted(each for each in folder.iterdir() if each.is_dir()):
    first, *others = [Palm.from_file(file) for file in person.glob("*.jpg")]
    person.with_suffix(".palm").write_bytes(pack(first.template(*others)))

gallery = Gallery()
for file in folder.glob("*.palm"):
    gallery.add(file.stem, unpack(file.read_bytes()))

best, *rest = gallery.search(Palm.from_file(shown).template(), count=2)
if best.false_positive_rate > ACCEPTED:
    print("Nobody who is enrolled.")
elif any(each.false_positive_rate <= ACCEPTED for each in rest):
    print("Two people are too much alike to tell: ask for another proof.")
else:
    print(best.name)
