"""Span stores."""
