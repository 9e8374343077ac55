"""The Converse API: what messages become on its wire, and what its answers and events become. Pure."""
