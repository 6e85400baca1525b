"""Servers that streamscope finds or brings along.

``detect`` and ``choose`` find a server; ``weights`` and ``local`` bring a real small model,
``simulator`` one that only pretends. Whatever runs, runs in a child process that dies with us.
Modules named ``*_child`` are run with ``python -m`` and imported by nothing.

Nothing here reads the environment or a configuration: callers pass values and paths.
"""
