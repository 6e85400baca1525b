"""What a comparison of the history asked, in few words."""

from collections.abc import Mapping

from streamscope.report.channels import name
from streamscope.sides import Side, Sides
from streamscope.trace import ChannelName
from streamscope.trial.plan import CHANNELS

LONGEST = 20
"""Characters of a channel's name, at most."""


def answered(sides: Mapping[ChannelName, Side]) -> list[str]:
    """Say what answered: the model and the engine of all channels, and what tells them apart."""
    targets = [side.target for side in sides.values()]
    models = {target.model or target.url for target in targets}
    told = list(models) if len(models) == 1 else []
    if len(sides) == len(CHANNELS):
        both = Sides(a=sides["A"], b=sides["B"])
        if both.question != "delivery":
            told.append(" vs ".join(name(both, channel, LONGEST) for channel in CHANNELS))
    return [*told, *dict.fromkeys(side.engine for side in sides.values())]
