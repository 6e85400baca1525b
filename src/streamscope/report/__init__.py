"""Figures to words, tables and files."""
