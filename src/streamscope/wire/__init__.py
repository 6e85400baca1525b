"""How servers speak: requests out, bytes in, events for the probe. No I/O, and no clock."""
