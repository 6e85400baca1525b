"""Plans comparisons and carries them out, and plays them back."""
