"""Traces to figures: pure functions, no input or output, nothing but the standard library."""
