"""Write the pages of the documentation that are made from the code: `make docs`.

python -m tools.write_docs           docs/data-flow.md and docs/config.md
python -m tools.write_docs --check   write nothing; end with status 1 where a page is stale
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tools import config_reference, data_flow
from tools.reference import COMMAND, ROOT, Undescribed

PAGES: dict[str, Callable[[], str]] = {
    "docs/data-flow.md": data_flow.page,
    "docs/config.md": config_reference.page,
}


def stale() -> dict[str, str]:
    """Return the pages that are not as the code makes them: path -> new text.

    Raises:
        Undescribed: listing what has no description.
    """
    texts = {name: make() for name, make in PAGES.items()}
    return {
        name: text
        for name, text in texts.items()
        if not (ROOT / name).exists() or (ROOT / name).read_text(encoding="utf-8") != text
    }


def main(arguments: list[str]) -> int:
    """Write the pages, or check them; return the exit status."""
    try:
        pages = stale()
    except Undescribed as error:
        print(error, file=sys.stderr)
        return 1
    if "--check" in arguments:
        for name in pages:
            print(f"{name}: stale; run `{COMMAND}`", file=sys.stderr)
        return int(bool(pages))
    for name, text in pages.items():
        (ROOT / name).write_text(text, encoding="utf-8")
        print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
