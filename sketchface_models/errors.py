"""The exceptions that users are meant to read, and text on its way to their terminal."""


class SketchFaceError(Exception):
    """Something the user can mend, said in one line: what is wrong, where, and the remedy.

    Stages and commands print it as `error: ...` and exit with status 1, without a traceback.
    """


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, in one line: where the work stood, what is kept, and how to go on.

    Stages and commands print it and exit with status 130, without a traceback.
    """


INTERRUPTED_STATUS = 130
"""Exit status of a process that Ctrl-C ended, as shells have it: 128 + SIGINT."""


def printable(text: str) -> str:
    """Return text as one line, with control characters and broken Unicode escaped as in Python.

    File names and fields of foreign tables may hold anything; a terminal must not obey them.
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )
