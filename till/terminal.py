"""The till in a terminal: a command a line."""

import asyncio
import threading
from collections.abc import Callable
from typing import TextIO

from till.register import Register, Unusable

HELP = """\
  NUMBER             ring up an article of the list, such as 2
  AMOUNT NAME        ring up something else, such as 4.50 Soup
  - LINE             take one of a line of the basket away
  list, clear        show articles and basket; empty the basket
  pay [WITH ...]     send the basket to the kiosk; WITH is points=12, balance=1262 or age=18
  collect [WITH ...] ask for the shopper's membership without a payment
  abort              abort what is in progress
  refund [AMOUNT]    give the last payment back, or a part of it
  status             ask what became of the last payment
  diagnosis          ask whether the kiosk can serve
  quit               end the till; a payment in progress goes on at the kiosk"""

Says = Callable[[str], None]


async def serve(register: Register, source: TextIO, out: TextIO) -> None:
    """Reads commands until `quit` or the end of `source`, and tells what happens. At the end of
    `source` it waits for the answers first."""

    def say(text: str) -> None:
        print(text, file=out, flush=True)

    say(HELP)
    _show(register, say)
    telling = asyncio.create_task(_tell(register, say))
    lines = _lines(source)
    try:
        while line := await lines.get():
            try:
                if _ends(register, line.split(), say):
                    return
            except Unusable as unusable:
                say(str(unusable))
        await register.settled()
        say(register.said)
    finally:
        telling.cancel()


def _lines(source: TextIO) -> asyncio.Queue[str]:
    """Returns the queue of the lines that are read; an empty one is the end. A thread reads them,
    and does not hold up the end of the program."""
    queue: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in source:
            loop.call_soon_threadsafe(queue.put_nowait, line)
        loop.call_soon_threadsafe(queue.put_nowait, "")

    threading.Thread(target=read, daemon=True).start()
    return queue


async def _tell(register: Register, say: Says) -> None:
    said = register.said
    while True:
        await register.change()
        if register.said != said:
            said = register.said
            say(said)


def _ends(register: Register, words: list[str], say: Says) -> bool:
    """Does what a line asks for. Returns whether the till shall end; raises Unusable."""
    does = {
        "list": lambda: _show(register, say),
        "clear": register.clear,
        "abort": register.abort,
        "refund": register.give_back,
        "status": register.ask_status,
        "diagnosis": register.diagnose,
    }
    match words:
        case ["quit"]:
            return True
        case [word] if word in does:
            does[word]()
        case ["refund", part]:
            register.give_back(part=part)
        case ["pay", *pairs]:
            told = _pairs(pairs, "points", "balance", "age")
            points = register.points_of(told["points"], told["balance"])
            register.send(points, register.age_of(told["age"]))
        case ["collect", *pairs]:
            told = _pairs(pairs, "points", "balance")
            register.collect(register.points_of(told["points"], told["balance"]))
        case _ if _rings_up(register, words):
            _show_basket(register, say)
        case _:
            say(HELP)
    return False


def _pairs(words: list[str], *names: str) -> dict[str, str]:
    """Returns what words such as `points=12` tell, by their names; empty for what they do not
    tell. Raises Unusable."""
    told = dict.fromkeys(names, "")
    for word in words:
        name, is_pair, value = word.partition("=")
        if name not in told or not is_pair:
            raise Unusable(f"{word!r} is none of {'=, '.join(names)}=.")
        told[name] = value
    return told


def _rings_up(register: Register, words: list[str]) -> bool:
    """Adds a line to the basket or takes one away. Returns whether the words ask for that; raises
    Unusable."""
    match words:
        case ["-", place] if place.isdecimal():
            register.remove(int(place) - 1)
        case [place] if place.isdecimal() and 1 <= int(place) <= len(register.articles):
            article = register.articles[int(place) - 1]
            register.add(article.label, article.price)
        case [amount, *name] if name and amount[:1].isdecimal():
            register.add(" ".join(name), register.amount_of(amount))
        case _:
            return False
    return True


def _show(register: Register, say: Says) -> None:
    for place, article in enumerate(register.articles, 1):
        say(f"{place:>3}  {article.label:<24}{register.shown(article.price.minor):>14}")
    _show_basket(register, say)


def _show_basket(register: Register, say: Says) -> None:
    for place, line in enumerate(register.basket, 1):
        say(
            f"  {place:>2}. {line.count} x {line.article.label:<19}{register.shown(line.minor):>14}"
        )
    say(f"  Total {register.shown(register.total):>36}")
