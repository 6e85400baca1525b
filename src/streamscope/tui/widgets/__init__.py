"""Widgets: they are given values and draw them."""
