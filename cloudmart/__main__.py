"""Run the command line as `python -m cloudmart`."""

from cloudmart.cli import main

if __name__ == "__main__":
    main()
