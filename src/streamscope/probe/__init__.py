"""The instrument: sends requests and stamps what arrives, in a process of its own.

Whatever paints may hold up an event loop for longer than the gap between two tokens, so nothing
that paints shares an interpreter with a socket that is being timed.
"""
