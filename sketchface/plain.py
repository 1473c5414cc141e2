"""Text from outside, such as the names of files, on its way to a terminal."""


def plain(text: str) -> str:
    """One line of text; control characters and broken Unicode as Python escapes them."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )
