"""The screens: they draw what was measured and decide nothing."""

import os

# Textual puts a frame off to its next slot, which after a pause may be two slots away. With short
# slots a frame comes when our own clock asks for it, and there are no more frames than it asks for.
os.environ.setdefault("TEXTUAL_FPS", "120")
