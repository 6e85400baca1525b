"""The simulator's words: paragraphs that read well and never pretend to be an answer."""

import random
import re
from collections.abc import Iterator
from itertools import islice

PREFIX = "[simulated] "
"""How every answer begins."""

_OPENERS = (
    "No model has read the question “{topic}”; this text only arrives the way an answer would.",
    "You asked “{topic}”, and what follows is a rehearsal of an answer, not an answer.",
    "This is stand-in text for “{topic}”: its timing was planned, its content was not.",
)
_SENTENCES = (
    "The first words appear as soon as the prompt has been evaluated.",
    "After them, one token follows the other at the rate that the profile sets.",
    "A reader starts long before the last line is there.",
    "What matters to the person who waits is when something can be read.",
    "A blocking request shows the same words, all at once, at the very end.",
    "Both ways take the same work, and nearly the same time in total.",
    "Short pauses are hardly noticed; a long one makes people wonder.",
    "Whoever reads at an ordinary pace is slower than most models write.",
    "The gap between two pieces says more about comfort than the average does.",
    "If the wait before the first word is long, streaming cannot shorten it.",
    "Some of the tokens may have been spent on thinking that nobody sees.",
    "Measured once, a number is an anecdote; measured often, it becomes evidence.",
    "Warm caches flatter the second request, so the order must be balanced.",
    "A network in between may gather several pieces into one.",
    "The total says when it was over, not how it felt.",
    "For a line or two, it hardly matters which way is chosen.",
    "For a page, it decides whether the wait feels like work or like reading.",
    "None of this depends on the question, because nothing has understood it.",
)
_THOUGHTS = (
    "There is nothing to work out, but thinking takes its time all the same.",
    "First the question would be read again, slowly.",
    "Then a few ways to answer would be weighed against each other.",
    "One of them would look right and turn out to be wrong.",
    "A shorter plan would be made.",
    "The facts would be checked once more.",
    "Now the wording would be chosen.",
)
_BREAK = " […]"
_PARAGRAPH = 4
_TOPIC_CHARS = 60
_PIECE = re.compile(r"\s*\S{1,7}|\s+")


def answer(topic: str, rng: random.Random, *, tokens: int) -> Iterator[str]:
    """Yield an answer of so many tokens; the last one says that the text breaks off there."""
    yield from islice(_answer(topic, rng), tokens - 1 if tokens > 1 else tokens)
    if tokens > 1:
        yield _BREAK


def thoughts(rng: random.Random, *, tokens: int) -> Iterator[str]:
    """Yield thinking of so many tokens."""
    yield from islice(_thoughts(rng), tokens)


def _answer(topic: str, rng: random.Random) -> Iterator[str]:
    yield PREFIX
    # Not str.format: the topic is the person's, braces included.
    yield from _PIECE.findall(rng.choice(_OPENERS).replace("{topic}", _shortened(topic)))
    for number, sentence in enumerate(_endless(_SENTENCES, rng), start=1):
        gap = "\n\n" if number % _PARAGRAPH == 0 else " "
        yield from _PIECE.findall(gap + sentence)


def _thoughts(rng: random.Random) -> Iterator[str]:
    yield "Simulated thinking."
    for sentence in _endless(_THOUGHTS, rng):
        yield from _PIECE.findall(" " + sentence)


def _endless(sentences: tuple[str, ...], rng: random.Random) -> Iterator[str]:
    """Yield all sentences, then all again in another order, and so on."""
    while True:
        yield from rng.sample(sentences, len(sentences))


def _shortened(topic: str) -> str:
    """Return the beginning of the topic, on one line."""
    line = " ".join(topic.split())
    return line if len(line) <= _TOPIC_CHARS else line[:_TOPIC_CHARS].rstrip() + "…"
