"""Servers that the environment names and that do not answer."""

from collections.abc import Collection, Iterator, Sequence

from streamscope.engines.found import Candidate, Found
from streamscope.engines.reasons import absent, place


def silent(
    named: Sequence[Candidate], found: Sequence[Found], unasked: Collection[str]
) -> Iterator[str]:
    """Say of each what to do, in a sentence.

    Args:
        named: The servers that the environment names.
        found: All that answered, and vendors' that did not.
        unasked: Host and port of those that could not be asked; they may be there.
    """
    dumb = {place(each.url) for each in found if each.state == "silent"}
    for each in absent(named, [server for server in found if server.state != "silent"]):
        where = place(each.url)
        if where not in unasked:
            who = (
                "which does not answer" if where in dumb else "where no server that we know answers"
            )
            yield (
                f"{each.variable} names {where}, {who}: start it, or set {each.variable} anew or "
                "not at all."
            )
