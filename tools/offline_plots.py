"""Make `dvc plots show` work without a network: python -m tools.offline_plots.

DVC's page loads Vega, Vega-Lite and Vega-Embed from the network. This writes a template with all
three inside, as the package vl-convert-python bundles them, and enters it in `.dvc/config.local`.
Neither file is tracked; `make setup` runs this.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import vl_convert

TEMPLATE = Path("plots/offline.html")
"""Relative to `.dvc`, as `plots.html_template` has it."""
VEGA_LITE = "5.21"
"""Of the generation that the project's templates name."""
PAGE = """<!DOCTYPE html>
<html>
<head>
    <meta charset="utf-8">
    {refresh_tag}
    <title>DVC plots</title>
    <script>(() => {PROGRAM})();</script>
</head>
<body>
    {plot_divs}
</body>
</html>
"""


def offline_page() -> str:
    """Return the template of a page that loads nothing."""
    program = vl_convert.javascript_bundle(vl_version=VEGA_LITE)
    return PAGE.replace("PROGRAM", program.replace("</script", "<\\/script"))


def main() -> None:
    """Write the template into `.dvc` and have DVC use it in this clone."""
    path = Path(".dvc") / TEMPLATE
    path.write_text(offline_page(), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "dvc",
        "config",
        "--local",
        "plots.html_template",
        str(TEMPLATE),
    ]
    subprocess.run(command, check=True)
    print(f"wrote {path}; `dvc plots show` needs no network now")


if __name__ == "__main__":
    main()
