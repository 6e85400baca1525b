"""Before it is ready to time, the probe has walked its path in every way that it knows."""

from streamscope.probe.prime import prime


async def test_every_canned_answer_is_understood() -> None:
    ends = await prime()
    assert len(ends) == 4
    for end in ends:
        assert (end.trace.ended, end.trace.fault, end.trace.flags) == ("stop", None, [])
        assert end.trace.marks["done"] >= end.trace.marks["first_byte"]
    assert {end.trace.mode for end in ends} == {"stream", "blocking"}
