"""Serve schedules, for as long as the app lives.

Run as ``python -m streamscope.engines.schedule_child``.
"""

import gc
import os
import socket

from streamscope.calibration import Schedule
from streamscope.engines.child import Announcement
from streamscope.engines.lifeline import Lifeline
from streamscope.engines.schedule_frames import MODEL
from streamscope.engines.schedule_server import ScheduleServer


def main() -> None:
    """Serve on a free loopback port until the end."""
    line = Lifeline()
    schedule = line.configuration(Schedule)
    server = ScheduleServer(socket.create_server(("127.0.0.1", 0), backlog=64), schedule)
    line.announce(Announcement(url=server.url, pid=os.getpid(), model=MODEL))
    # Nothing that it makes is garbage in circles, and a collection would come in the middle.
    gc.disable()
    gc.freeze()
    server.serve()


if __name__ == "__main__":
    main()
