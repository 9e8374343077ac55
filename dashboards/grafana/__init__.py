"""Grafana: the generator of the board, the board it made, and the files that provision it."""
