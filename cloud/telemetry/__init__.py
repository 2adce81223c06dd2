"""What the service tells of itself: measurements, traces of requests, and lines of its log.

All of it is about the service and its devices. No measurement and no trace has an id of a person, a
number, a name, a token or an address in it.
"""
