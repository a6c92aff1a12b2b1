"""The rates that staff keep, and what they amount to."""
