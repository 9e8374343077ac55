"""Runnables: the interface and its combinators."""
