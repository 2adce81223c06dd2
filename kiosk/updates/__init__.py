"""Versions of the program beside the one that the package has installed (docs/updates.md).

- `versions` is the folder they lie in: which one runs, and which one is to be tried.
- `check` is the program that fetches a newer one, while the kiosk serves.
- `start` is the program that starts the kiosk, and tries a newer version out.
- `self_test` says whether a version is whole: `palm-kiosk --self-test`. A newer one is asked
  before it is tried.
"""
