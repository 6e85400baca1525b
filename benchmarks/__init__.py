"""What is measured of streamscope itself, and how to run it again: see ``docs/benchmarks.md``."""
