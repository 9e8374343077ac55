"""Output parsers."""
