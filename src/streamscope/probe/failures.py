"""What the transport ran into, as a fault in one sentence."""

import httpcore
import httpx

from streamscope.probe.messages import Start
from streamscope.trace import Fault
from streamscope.wire import faults

BROKEN = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)
"""What a connection raises that breaks, misbehaves or falls silent."""


# A pool of httpcore drops the causes of what it raises, so what happened is told by the class.


class ResolveError(httpcore.ConnectError):
    """The name of the server has no address."""


class HandshakeError(httpcore.ConnectError):
    """There is a connection, but no TLS over it."""


class NoMessagesError(Exception):
    """What a server sent is no WebSocket; the text says why."""


def explain(error: Exception, start: Start, *, any_text: bool) -> Fault:
    """Say what ended a run.

    Args:
        error: What was raised.
        start: The run.
        any_text: Whether text had come before.
    """
    target, limits = start.target, start.limits
    detail = str(error) or type(error).__name__
    if isinstance(error, httpcore.ConnectError | httpcore.ConnectTimeout):
        if isinstance(error, HandshakeError):
            return faults.tls(target, detail)
        if start.proxy:
            return faults.proxy(target, start.proxy, detail)
        if isinstance(error, ResolveError):
            return faults.dns(target)
        return faults.unreachable(target, detail)
    if isinstance(error, httpcore.ProxyError):
        return faults.proxy(target, start.proxy or "", detail)
    if isinstance(error, httpcore.ReadTimeout):
        return faults.silence(target, limits.stall_s, any_text)
    if isinstance(
        error, httpcore.NetworkError | httpcore.WriteTimeout | httpcore.RemoteProtocolError
    ):
        return faults.cut(target, detail)
    if isinstance(error, httpx.DecodingError | NoMessagesError):
        return faults.malformed(target, detail)
    if isinstance(error, httpx.InvalidURL | httpcore.UnsupportedProtocol | ValueError):
        return faults.bad_url(target.url, detail)
    return faults.cut(target, f"{type(error).__name__}: {detail}")
