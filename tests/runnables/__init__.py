"""Tests of the combinators."""
