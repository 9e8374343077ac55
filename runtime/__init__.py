"""The Runnable interface and everything that runs."""
