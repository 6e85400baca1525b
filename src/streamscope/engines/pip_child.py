"""Run ``pip`` in a process that ends with the app, with temporary files where the app can see.

Run as ``python -m streamscope.engines.pip_child``. It announces ``{}`` when pip has succeeded.
"""

import runpy
import sys
import tempfile

import msgspec

from streamscope.engines.lifeline import Lifeline


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """What this child needs to know.

    Attributes:
        arguments: Command line of pip.
        temporary: Directory for everything that pip writes before it is complete.
    """

    arguments: list[str]
    temporary: str


def main() -> None:
    """Run pip as its own command line would, then announce that it succeeded."""
    line = Lifeline()
    configuration = line.configuration(Configuration)
    # Watching pip's own file grow works with every pip, its progress output only since 24.1.
    tempfile.tempdir = configuration.temporary
    sys.argv = ["pip", *configuration.arguments]
    try:
        runpy.run_module("pip", run_name="__main__", alter_sys=True)
    except SystemExit as leaving:
        if leaving.code:
            raise
    line.announce({})


if __name__ == "__main__":
    main()
