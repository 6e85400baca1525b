"""A server of our own under uvicorn: its socket, its settings, and how it ends."""

import asyncio
import errno
import ipaddress
import signal
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn

from streamscope.engines.connection import Http, Socket
from streamscope.engines.engine import EngineError
from streamscope.engines.routes.base import LIMIT_BYTES
from streamscope.engines.simulator_app import application
from streamscope.engines.stage import Stage

MOMENT_S = 3.0
"""How long answers under way may go on when the server has to end, in seconds."""

_SLACK_S = 2.0
_BACKLOG = 2048
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def configuration(stage: Stage, *, moment_s: float | None = None) -> uvicorn.Config:
    """Return how the stage's application is served.

    Args:
        stage: Who answers.
        moment_s: How long answers may go on when the server ends; ``None`` for no limit.
    """
    return uvicorn.Config(
        application(stage),
        loop="asyncio",
        http=Http,
        ws=Socket,
        ws_max_size=LIMIT_BYTES,
        ws_per_message_deflate=False,  # every token is to leave as it comes
        lifespan="off",
        log_config=None,
        log_level="critical",  # a client that leaves or is dropped is nothing to tell of
        access_log=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=None if moment_s is None else round(moment_s + _SLACK_S),
    )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; its port is chosen by the system if ``port`` is 0.

    Raises:
        EngineError: It can't be had.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        raise EngineError(_reason(host, port, error)) from error


def url_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket; one for everybody is called by its loopback."""
    host, port = listener.getsockname()[:2]
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"http://{address}:{port}" if address.version == 4 else f"http://[{address}]:{port}"


class Service(uvicorn.Server):
    """Serves until it is told to end, in the foreground.

    At the first signal nobody new is let in, and answers under way have a moment before they end
    with an error. At a second one everything ends at once.
    """

    def __init__(
        self,
        stage: Stage,
        *,
        ready: Callable[[], None],
        ending: Callable[[], None],
        moment_s: float = MOMENT_S,
    ) -> None:
        """Prepare to serve.

        Args:
            stage: Who answers.
            ready: Called once the server answers.
            ending: Called when it begins to end.
            moment_s: How long answers under way may go on then, in seconds.
        """
        super().__init__(configuration(stage, moment_s=moment_s))
        self._stage, self._moment_s = stage, moment_s
        self._ready, self._ending = ready, ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell when it answers."""
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let nobody in, and end what is under way after its moment."""
        self._ending()
        self._stage.last_call.set()
        timer = asyncio.get_running_loop().call_later(self._moment_s, self._stage.closing.set)
        await super().shutdown(sockets)
        timer.cancel()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """End at a signal, and leave it at that: to be stopped is how a server is done."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self.handle_exit) for each in _SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def _reason(host: str, port: int, error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return f"There is no address {host!r} to listen at."
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use: name another with --port, or 0 for any that is free."
    if error.errno == errno.EACCES:
        return f"Port {port} is for administrators only: name one above 1023 with --port."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"This machine has no address {host}: 127.0.0.1 is always there."
    return f"It is not possible to listen at {host}, port {port}: {error.strerror}."
