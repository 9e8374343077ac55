"""Where finished spans go."""
