"""The vault: a process of its own that holds the private keys and alone sees palms.

It opens envelopes, judges the frames and answers with a template. It has no network and leaves no
core dumps, and it stores only its keys. The API process asks it questions, and cannot open an
envelope itself.
"""
