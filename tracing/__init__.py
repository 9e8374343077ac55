"""Runs, spans, callbacks, events, filters and replay."""
