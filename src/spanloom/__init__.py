"""spanloom: an observability-first runtime for LLM programs."""
