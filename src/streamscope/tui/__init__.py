"""The screens: they draw what was measured and decide nothing."""
