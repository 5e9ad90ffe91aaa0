"""Run the command line as `cloudmart` or `python -m cloudmart`."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        # Not above: it takes most of a second, in which a person may well press Ctrl-C.
        from cloudmart.cli import app  # noqa: PLC0415

        app()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
