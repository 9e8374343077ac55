"""Tests of the tracing room."""
