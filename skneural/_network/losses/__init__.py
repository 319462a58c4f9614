"""The losses: each returns its value and its gradient in one call."""
