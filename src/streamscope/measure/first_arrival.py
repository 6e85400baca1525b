"""How much of a text came at its first moment. That much only starts the clock of its rate.

Between the first and the last arrival came what arrived after the first one. Where a chunk is a
token and arrives alone, that is all but one token. Where the first arrival brought ten, taking
only one of them off makes the rate too high by nine tokens.
"""

from collections.abc import Collection

from streamscope.measure.bundles import is_close, near_ns
from streamscope.measure.timing import TOKENS_A_CHUNK, Lane
from streamscope.measure.values import Value
from streamscope.trace import TextKind, Trace


def whole(trace: Trace, kinds: Collection[TextKind]) -> Lane:
    """Return the size of all text of some kinds."""
    sizes = [len(chunk.text) for chunk in trace.chunks if chunk.kind in kinds]
    return Lane(chunks=len(sizes), chars=sum(sizes))


def first_arrival(trace: Trace, kinds: Collection[TextKind]) -> Lane:
    """Return the size of the text of some kinds that came with the first of it.

    Chunks belong to it that came in one read with the one before, or so close to it that they
    came together; ``measure.bundles`` says how close that is.
    """
    chunks = [chunk for chunk in trace.chunks if chunk.kind in kinds]
    began = Lane()
    close_ns = near_ns(chunks)
    for index, chunk in enumerate(chunks):
        if index and not is_close(chunks[index - 1], chunk, close_ns):
            break
        began.chunks += 1
        began.chars += len(chunk.text)
    return began


def tokens_of(began: Lane, text: Lane, count: Value) -> Value:
    """Return how many of the tokens of a text came with its first arrival.

    A single chunk is one token, where chunks are tokens on the whole. Several then have their
    share of the chunks, exact where there are as many chunks as tokens. Otherwise the first arrival
    has its share of the characters, but leaves each later chunk a token: an estimate.

    Args:
        began: Size of the first arrival, at least a chunk.
        text: Size of the text.
        count: Tokens of the text.
    """
    if began.chunks == text.chunks:
        return count
    if count.value < TOKENS_A_CHUNK * text.chunks:
        if began.chunks == 1:
            return Value(1.0)
        share = count.value * began.chunks / text.chunks
        return Value(max(1.0, share), estimated=count.value != text.chunks)
    by_chars = count.value * began.chars / text.chars if text.chars else 0.0
    most = count.value - (text.chunks - began.chunks)
    return Value(max(float(began.chunks), min(by_chars, most)), estimated=True)
