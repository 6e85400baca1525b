"""The figures of one comparison, as its report pools them."""

from collections.abc import Collection

from streamscope.measure.figures import measure
from streamscope.report.comparison import Comparison
from streamscope.report.summary import left_out
from streamscope.trace import ChannelName

Values = dict[ChannelName, dict[str, list[float]]]
"""Known values by channel and name of figure."""


def pooled_values(comparison: Comparison, names: Collection[str]) -> Values:
    """Return the known values of these figures in the runs that the report's medians rest on."""
    values: Values = {}
    for run, reason in zip(comparison.runs, left_out(comparison), strict=True):
        if reason is not None:
            continue
        figures = measure(run.trace)
        of_channel = values.setdefault(run.channel, {})
        for name in names:
            if (value := figures[name]) is not None:
                of_channel.setdefault(name, []).append(value)
    return values
