"""Prints every state of a camera's feed on a line until standard input ends.

It is a process of its own, so that PipeWire's replacement for Video4Linux can be preloaded.
"""

import sys

from hardware.camera import camera_at
from hardware.camera.feed import Feed, FeedState, FeedTimeouts


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def tell(state: FeedState) -> None:
    say(type(state).__name__, state)


feed = Feed(camera_at(sys.argv[1]), timeouts=FeedTimeouts(retry_at_most=0.3))
feed.on_state(tell)
mailbox = feed.subscribe()
feed.start()
lease = mailbox.take(30)
if lease is not None:
    with lease:
        say("Picture", lease.image.shape, lease.image.any())
sys.stdin.read()
feed.stop()
