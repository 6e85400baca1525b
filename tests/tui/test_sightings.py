"""A piece is seen in the first frame that has its row, once, or not at all."""

import pytest

from streamscope.tui.widgets.sightings import Sightings


@pytest.fixture
def sightings() -> Sightings:
    return Sightings()


def test_a_piece_is_seen_in_the_frame_that_has_its_row(sightings: Sightings) -> None:
    sightings.laid_out(3, 100)
    assert sightings.waiting
    sightings.drawn(3)
    sightings.frame(140, 0)
    assert sightings.seen == [(100, 140)]
    assert not sightings.waiting


def test_a_frame_without_its_row_does_not_show_it(sightings: Sightings) -> None:
    sightings.laid_out(3, 100)
    sightings.drawn(2)
    sightings.frame(120, 0)
    sightings.frame(130, 0)
    assert sightings.seen == []
    sightings.drawn(3)
    sightings.frame(140, 0)
    assert sightings.seen == [(100, 140)]


def test_a_row_drawn_before_the_piece_was_there_does_not_show_it(sightings: Sightings) -> None:
    sightings.drawn(3)
    sightings.laid_out(3, 100)
    sightings.frame(120, 0)
    assert sightings.seen == []
    assert sightings.waiting


def test_a_piece_is_seen_once(sightings: Sightings) -> None:
    sightings.laid_out(3, 100)
    for now_ns in (120, 140):
        sightings.drawn(3)
        sightings.frame(now_ns, 0)
    assert sightings.seen == [(100, 120)]


def test_what_has_left_the_view_is_never_seen(sightings: Sightings) -> None:
    sightings.laid_out(3, 100)
    sightings.laid_out(9, 110)
    sightings.drawn(9)
    sightings.frame(140, 5)
    assert sightings.seen == [(110, 140)]
    assert not sightings.waiting


def test_lost_pieces_are_not_followed(sightings: Sightings) -> None:
    sightings.laid_out(3, 100)
    sightings.lose()
    sightings.drawn(3)
    sightings.frame(140, 0)
    assert sightings.seen == []
    assert not sightings.waiting
