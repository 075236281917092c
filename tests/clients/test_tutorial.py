"""The sessions in README and tutorial, typed as a reader would type them, each into a lab of its own."""

import re
from dataclasses import dataclass, field

import pytest
from tests.labs import ROOT, run_in_lab

PAGES = [
    "README.md",
    "docs/tutorial/first-task.md",
    "docs/how-to/find-services-by-name.md",
    "docs/how-to/scale-a-service.md",
]

pytestmark = [pytest.mark.clients, pytest.mark.slow]

# What differs from run to run, and what stands for it in the comparison.
VARIABLE = [
    (r"\b[0-9a-f]{32}\b", "TASK"),
    (r"\b([a-z]+)-[0-9a-f]{17}\b", r"\1-ID"),
    (r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", "MAC"),
    (r"\b\d+\.\d+\.\d+\.\d+\b", "ADDRESS"),
    (r"\bip-\d+-\d+-\d+-\d+\b", "HOST"),
    (r"\bus-east-1[abc]\b", "ZONE"),
    (r"\s+", " "),
]


@dataclass
class Step:
    """A command, and the lines that the page shows below it."""

    command: str
    shown: list[str] = field(default_factory=list)


def steps(page: str) -> list[Step]:
    """Return what the page's `console` blocks say: `$` begins a command, `>` continues it, the rest is output."""
    found: list[Step] = []
    for block in re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Step(line[2:]))
            elif line.startswith("> ") and not found[-1].shown:
                found[-1].command += "\n" + line[2:]
            else:
                found[-1].shown.append(line)
    return found


def plain(lines: list[str]) -> list[str]:
    """Return lines of output without what differs from run to run."""
    result = []
    for line in lines:
        text = line
        for pattern, word in VARIABLE:
            text = re.sub(pattern, word, text)
        if text.strip():
            result.append(text.strip())
    return result


@pytest.mark.parametrize("name", PAGES)
def test_what_the_page_shows_is_what_happens(name: str) -> None:
    session = steps((ROOT / name).read_text())
    assert len(session) > 5, "the page has no session"
    mark = "@@ next @@"
    script = "set -euo pipefail\n" + "".join(f"{step.command}\necho; echo '{mark}'\n" for step in session)
    result = run_in_lab("bash", "-c", script, timeout=1200)
    outputs = [part.splitlines() for part in result.stdout.split(mark)]
    happened = "\n".join(
        f"$ {step.command}\n" + "\n".join(output) for step, output in zip(session, outputs, strict=False)
    )
    assert result.returncode == 0, f"{happened}\n{result.stderr}"
    print(happened)
    for step, output in zip(session, outputs, strict=False):
        assert plain(output) == plain(step.shown), f"after: {step.command}"
