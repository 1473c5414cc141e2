"""The commands that README shows, line by line."""

import re

from clone_project import ROOT

README = ROOT / "README.md"


def blocks() -> list[list[str]]:
    """The commands of every block of shell commands, without their comments and empty lines."""
    texts = re.findall(r"^```bash\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)
    return [
        [command for line in text.splitlines() if (command := without_comment(line))]
        for text in texts
    ]


def without_comment(line: str) -> str:
    """A line of shell without what stands behind ` # `."""
    return re.split(r"(?:^|\s)#\s", line)[0].strip()


def command(beginning: str) -> str:
    """The one command of README that begins so."""
    (line,) = {line for block in blocks() for line in block if line.startswith(beginning)}
    return line


def every_command() -> list[str]:
    """All commands from top to bottom, those of one line apart."""
    return [part.strip() for block in blocks() for line in block for part in line.split(" ; ")]
