"""Names of picture files: the form that they are matched by, and the ids made of them.

One system writes an accented letter as one character (NFC), another as a letter and a mark (NFD).
Every place that matches files by name compares what `matching_name` returns.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

_LONGEST_ID = 80


def matching_name(name: str) -> str:
    """Return a name with its accents composed (Unicode's NFC): equal for names that read alike."""
    return unicodedata.normalize("NFC", name)


def safe_id(name: str) -> str:
    """Return an id made of a file's name alone: the name itself where it is plain, else cleaned.

    `anna-01` stays; `été/Zoë 2` becomes `ete_Zoe_2-` and eight digits, the same on every system
    whichever way it composes accents.
    """
    name = matching_name(name)
    if re.fullmatch(rf"[A-Za-z0-9_.-]{{1,{_LONGEST_ID}}}", name):
        return name
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    cleaned = re.sub(r"[^A-Za-z0-9_.-]+", "_", letters).strip("_")[:_LONGEST_ID] or "face"
    return f"{cleaned}-{short_hash(name)}"


def short_hash(text: str) -> str:
    """Return the first eight hexadecimal digits of a text's SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]
