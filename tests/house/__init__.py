"""House rules as functions: each takes sources and returns who breaks the rule."""
