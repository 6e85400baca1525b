"""What is taken for granted when figures become advice: conventions, each one a setting.

None of these numbers is a law of nature. Where they come from stands in ``docs/metrics.md``.
"""

from typing import Annotated

import msgspec

Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
"""More than nothing, at most all."""

Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
"""At most a day."""

Milliseconds = Annotated[float, msgspec.Meta(gt=0, le=10_000)]
"""More than nothing, at most ten seconds."""

Speed = Annotated[float, msgspec.Meta(ge=1, le=100_000)]
"""Words or characters a minute."""


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a difference counts, and when streaming is worth it.

    Attributes:
        margin: Totals and rates whose ratio surely lies within ``1 / (1 + margin)`` and
            ``1 + margin`` are equivalent.
        wait_margin: The same for waits, of which people notice less (Weber fraction).
        least_share: Streaming changes something from this share of the whole time on.
        least_benefit_s: And from this many seconds of reading ahead on.
        long_s: Whole times above it must stream, s.
        wait_s: Waits for the first text above it must be mended first, s.
        hidden_share: Share of tokens thought in secret above which the wait must be mended
            first, if it is longer than ``hidden_wait_s``.
        hidden_wait_s: See there, s.
        drift: Later runs slower or faster than earlier ones by more than this share are told.
    """

    margin: Share = 0.05
    wait_margin: Share = 0.20
    least_share: Share = 0.20
    least_benefit_s: Seconds = 1.0
    long_s: Seconds = 10.0
    wait_s: Seconds = 10.0
    hidden_share: Share = 0.5
    hidden_wait_s: Seconds = 2.0
    drift: Share = 0.05


class Reader(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How fast the person reads. Defaults: silent English (Brysbaert 2019); CJK aloud (IReST).

    Attributes:
        words_per_minute: In scripts with spaces.
        characters_per_minute: In Han and kana.
        tokens_per_word: For figures that are defined by tokens.
    """

    words_per_minute: Speed = 238.0
    characters_per_minute: Speed = 255.0
    tokens_per_word: Annotated[float, msgspec.Meta(gt=0, le=100)] = 1.3


class Bands(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What practitioners call instant, sluggish and even. No primary study was found.

    Attributes:
        instant_s: First text sooner than this feels instant, s.
        sluggish_s: First text later than this feels sluggish, s.
        even_low_ms: Gaps from here on look natural, ms.
        even_high_ms: Gaps up to here look natural, ms.
    """

    instant_s: Seconds = 0.5
    sluggish_s: Seconds = 2.0
    even_low_ms: Annotated[float, msgspec.Meta(ge=0)] = 20.0
    even_high_ms: Annotated[float, msgspec.Meta(gt=0)] = 50.0


class Costs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What blocking costs beside the wait.

    Attributes:
        timeout_s: Time-out of the clients that will call the server, s.
        stop_after_words: Words of the answer after which a reader may have seen enough.
        price_per_million: Price of a million output tokens; 0 for none.
        currency: What the price is in.
    """

    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 30.0
    stop_after_words: Annotated[int, msgspec.Meta(ge=1)] = 50
    price_per_million: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    currency: Annotated[str, msgspec.Meta(max_length=8)] = "USD"


class Trust(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a machine was too busy for a run to be trusted; ``docs/trust.md`` tells why these.

    Attributes:
        lag_ms: Where arrival times are those of our reads, looking later than this (99th
            percentile) spoils them.
        merged_lag_ms: Where they are the kernel's, looking later than this spoils them only
        merged_share: if more than this share of the reads held several segments.
        waited_share: Share of the run that the probe may be ready without a processor: with more,
            a server on the same machine was held up, too.
        stolen_share: Share of the processors' time that a hypervisor may give to others.
        throttled_share: Share of the run for which a quota may stop the processes.
        include_busy: Whether such runs are pooled all the same.
    """

    lag_ms: Milliseconds = 10.0
    merged_lag_ms: Milliseconds = 3.0
    merged_share: Share = 0.02
    waited_share: Share = 0.30
    stolen_share: Share = 0.05
    throttled_share: Share = 0.02
    include_busy: bool = False


class Conventions(msgspec.Struct, frozen=True, kw_only=True):
    """All of them."""

    thresholds: Thresholds = Thresholds()
    reader: Reader = Reader()
    bands: Bands = Bands()
    costs: Costs = Costs()
    trust: Trust = Trust()
