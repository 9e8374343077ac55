"""The command `spanloom`."""
