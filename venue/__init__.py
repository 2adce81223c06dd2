"""A sandbox of a venue: a pretix server with an event, for demonstrations and for the tests.

pretix is under the AGPL. It runs unchanged, as a process of its own from an environment of its own
(`.venv-pretix`), which `./run venue` and `./run pretix` make; nothing here imports it.
"""
