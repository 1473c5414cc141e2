"""The one exception that users are meant to read, and text on its way to their terminal."""


class SketchFaceError(Exception):
    """Something the user can mend, said in one line: what is wrong, where, and the remedy.

    Stages and commands print it as `error: ...` and exit with status 1, without a traceback.
    """


def printable(text: str) -> str:
    """Return text as one line, with control characters and broken Unicode escaped as in Python.

    File names and fields of foreign tables may hold anything; a terminal must not obey them.
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )
