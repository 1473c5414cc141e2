"""`python -m sketchface`: the command line, where no `sketchface` is on the path."""

from sketchface.cli import main

if __name__ == "__main__":
    main()
