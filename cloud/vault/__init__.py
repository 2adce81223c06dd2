"""The only place where a palm is ever seen: a process of its own that holds the private keys.

It opens envelopes, looks at the frames and answers with a template. It has no network and no core
dumps, it keeps nothing but its keys, and the API process can ask it questions but cannot open an
envelope itself.
"""
