"""What each protocol asks, read and handed to the stage: one module a family of routes."""
