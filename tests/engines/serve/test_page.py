"""The page: for browsers only, complete in itself, and what it shows is what was sent."""

import json
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.engines.serve import browser

if TYPE_CHECKING:
    from tests.engines.serve.conftest import House

BROWSER = browser.path()

in_a_browser = pytest.mark.skipif(
    BROWSER is None,
    reason="no Chromium on this machine: name one in STREAMSCOPE_TEST_BROWSER",
)


def got(url: str, accept: str) -> Any:
    return urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept}))


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/plain"])
def test_programs_get_a_line_of_text(house: "House", accept: str) -> None:
    with got(house.url, accept) as reply:
        assert reply.headers.get_content_type() == "text/plain"
        assert reply.read() == b"The streamscope simulator is running"


def test_browsers_get_a_page_that_loads_nothing(house: "House") -> None:
    with got(house.url, "text/html,application/xhtml+xml,*/*;q=0.8") as reply:
        assert reply.headers.get_content_type() == "text/html"
        assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert reply.headers["Vary"] == "accept"
        page = reply.read().decode()
    assert "://" not in page
    assert "innerHTML" not in page, "what a model says is never markup"


def sides(page: browser.Page) -> list[dict[str, Any]]:
    """Return what both sides show; ``ink`` is the number of colours in the plot."""
    page.value(
        """ink = (canvas) => new Set(new Uint32Array(canvas.getContext("2d")
            .getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size; 0"""
    )
    shown = page.value(
        """JSON.stringify(sides.map(({box, times}) => ({
            text: box.querySelector(".text").textContent,
            state: box.querySelector(".state").textContent,
            pieces: box.querySelector(".pieces").textContent,
            failed: box.querySelector(".state").matches(".failed"),
            events: times.length,
            ink: ink(box.querySelector("canvas")),
        })))"""
    )
    found: list[dict[str, Any]] = json.loads(shown)
    return found


@in_a_browser
@pytest.mark.parametrize("dark", [True, False])
def test_a_browser_shows_the_same_words_sent_in_two_ways(house: "House", dark: bool) -> None:
    assert BROWSER is not None
    url = f"{house.url}/?run&model=thinker&b=tokens_per_chunk%3D5&prompt=%3Cb%3Ewhy%3C/b%3E"
    with browser.opened(BROWSER, url, dark=dark) as page:
        page.until("document.body?.dataset.state === 'done'")
        page.until("sides.every(side => !side.dirty)")
        one, other = sides(page)
        assert one["text"] == other["text"]
        assert "[simulated] " in one["text"]
        assert "<b>why</b>" in one["text"]
        assert (one["pieces"], other["pieces"]) == ("30", "7")  # 12 of thinking, 18 of answer
        assert all(side["state"].startswith("done after ") for side in (one, other))
        assert all(side["ink"] >= 3 for side in (one, other))
        ground = page.value("getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(20, 22, 26)" if dark else "rgb(247, 246, 242)")
        assert page.value("performance.getEntriesByType('resource').map(e => e.name)") == [
            f"{house.url}/v1/models",
            *page.value(
                "performance.getEntriesByType('resource').slice(1).map(e => e.name)"
                f".filter(name => name.startsWith('{house.url}/v1/completions/stream'))"
            ),
        ]


@in_a_browser
def test_a_browser_tells_of_failures_and_leaves_when_it_is_told_to(house: "House") -> None:
    assert BROWSER is not None
    with browser.opened(BROWSER, f"{house.url}/?run&model=error-5") as page:
        page.until("document.body?.dataset.state === 'done'")
        for side in sides(page):
            assert side["failed"]
            assert side["state"].startswith("this model fails, as its profile says")
        before = house.stage.present
        page.value("find('model').value = 'endless'; start()")
        page.until("sides.every(side => side.times.length > 3)")
        assert house.stage.present == before + 2
        page.value("find('stop').click()")
        assert page.value("document.body.dataset.state") == "done"
        assert all(side["state"].startswith("stopped after ") for side in sides(page))
        page.value("find('model').value = 'cut-5'; start()")
        page.until("document.body.dataset.state === 'done'")
        assert all("connection broke" in side["state"] for side in sides(page))
        assert all(side["events"] == 5 for side in sides(page) if side["pieces"] == "5")


@pytest.fixture(autouse=True)
def _empty_again(house: "House", within: Any) -> Iterator[None]:
    """Nobody is left behind at the server."""
    yield
    assert within(lambda: house.stage.present == 0)
