"""The one exception that users are meant to read."""


class SketchFaceError(Exception):
    """Something the user can mend, said in one line: what is wrong, where, and the remedy.

    Stages and commands print it as `error: ...` and exit with status 1, without a traceback.
    """
