"""Handlers and the managers that call them."""
