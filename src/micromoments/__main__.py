"""``python -m micromoments`` is the command line."""

from micromoments.cli import main

if __name__ == "__main__":
    main()
