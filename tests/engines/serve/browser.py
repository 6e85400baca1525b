"""A real browser without a window, driven over its debugging socket."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

from websockets.sync.client import connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_FLAGS = (
    "--headless",
    "--no-sandbox",  # containers have none to give
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
    "--window-size=1200,800",
)
_SAID = re.compile(r"DevTools listening on ws://([^/]+)/")


def path() -> str | None:
    """Return where a Chromium is: as the environment says, or on the path; ``None`` for nowhere."""
    named = os.environ.get("STREAMSCOPE_TEST_BROWSER")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """An open page."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._number = 0

    def call(self, method: str, **params: Any) -> Any:
        """Call a method of the debugger; return its result."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while (reply := json.loads(self._socket.recv(30))).get("id") != self._number:
            pass
        assert "error" not in reply, reply
        return reply["result"]

    def value(self, expression: str) -> Any:
        """Return what a JavaScript expression comes to; a promise is waited for."""
        result = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait until a JavaScript condition holds."""
        self.value(
            f"new Promise((met) => {{ const look = () => {condition} ? met() : "
            "setTimeout(look, 5); look(); })"
        )


@contextlib.contextmanager
def opened(browser: str, url: str, *, dark: bool = True) -> Iterator[Page]:
    """Open a page in a browser of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        process = subprocess.Popen(
            [browser, *_FLAGS, f"--user-data-dir={home}", "about:blank"],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        try:
            with connect(_socket_of(process), max_size=None) as socket:
                page = Page(socket)
                scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
                page.call("Emulation.setEmulatedMedia", features=[scheme])
                page.call("Page.enable")
                page.call("Page.navigate", url=url)
                yield page
        finally:
            process.kill()
            process.communicate()


def _socket_of(process: "subprocess.Popen[str]") -> str:
    """Return the address of the debugging socket of the page that is open at the start."""
    from urllib.request import urlopen

    assert process.stderr is not None
    for line in process.stderr:
        if found := _SAID.search(line):
            with urlopen(f"http://{found[1]}/json/list") as reply:
                (page,) = [each for each in json.load(reply) if each["type"] == "page"]
            return str(page["webSocketDebuggerUrl"])
    raise AssertionError("the browser ended before it listened")
