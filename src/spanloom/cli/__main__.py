"""`python -m spanloom.cli` is the command `spanloom`."""

from . import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
