"""The pages against the code: written ones are current, links lead somewhere, what is promised exists."""

import importlib.machinery
import importlib.util
import re
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
import typer

from homeport.cli.main import app
from homeport.kit.installation import Installation
from homeport.services.ecs import runnable, settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DIFFERENCES = ROOT / "docs/reference/differences-from-aws.md"


def text(page: str | Path) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """Return a page without its blocks of code, in which nothing is a link or a heading."""
    return re.sub(r"^ *```.*?^ *```$", "", text(page), flags=re.MULTILINE | re.DOTALL)


def write_references() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("write_references", str(ROOT / "scripts/write-references"))
    spec = importlib.util.spec_from_loader("write_references", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_written_pages_are_current() -> None:
    old = [str(path.relative_to(ROOT)) for path, right in write_references().pages().items() if text(path) != right]
    assert not old, "run .venv/bin/python scripts/write-references"


# The command line


def options(command: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """Return every command's parameters, each with the command's words."""
    found = [(path, parameter) for parameter in command.params]
    for name, child in getattr(command, "commands", {}).items():
        found += options(child, (*path, name))
    return found


def test_every_option_is_documented_and_says_what_it_is_for() -> None:
    page = text("docs/reference/cli.md")
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    missing = []
    for path, parameter in options(typer.main.get_command(app)):
        section = sections.get(" ".join(("homeport", *path)), "")
        if parameter.param_type_name == "option":
            missing += [
                (path, name) for name in parameter.opts if not re.search(rf"^  .*{name}\b", section, re.MULTILINE)
            ]
        if not getattr(parameter, "help", None):
            missing.append((path, parameter.name))
    assert not missing


# Links


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert not broken


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        ahead += [
            (page.parent / target.partition("#")[0]).resolve() for target in re.findall(r"\]\(([^)\s]+)\)", text(page))
        ]
    assert not set(PAGES) - seen


# What pages name exists

NAMED = re.compile(r"`((?:tests|bench|src|scripts|examples)/[\w./-]+)(?:::(\w+))?`")
FOUND = [(page, *found) for page in PAGES for found in NAMED.findall(text(page))]


@pytest.mark.parametrize(
    ("page", "path", "test"), FOUND, ids=[f"{page.name}-{path}-{test}".rstrip("-") for page, path, test in FOUND]
)
def test_what_a_page_names_is_there(page: Path, path: str, test: str) -> None:
    known = re.split(r"/\w*(?:SERVICE|RESOURCE|NAME|NNNN)", path)[0]  # checklists have words to be replaced
    assert (ROOT / known).exists(), f"{page.name} names {path}"
    if test:
        assert re.search(rf"^(async )?def {test}\(", text(path), re.MULTILINE), f"{page.name} names {path}::{test}"


def test_every_promise_names_what_proves_it() -> None:
    promises = text("docs/reference/specification.md").partition("## Promises")[2].partition("## Figures")[0]
    rows = [row for row in promises.splitlines() if row.startswith("| ")][2:]
    assert len(rows) > 10
    assert not [row for row in rows if "`tests/" not in row]


# Settings


@pytest.mark.parametrize("field", msgspec.structs.fields(Installation), ids=lambda field: field.name)
def test_every_setting_is_documented_with_its_default(field: msgspec.structs.FieldInfo) -> None:
    default = f"`{field.default}`" if field.default != "" else "none"
    row = f"| `{field.name}` | {default} |"
    assert row in text("docs/reference/configuration.md")


def test_every_environment_variable_is_documented() -> None:
    listed = subprocess.run(
        ["grep", "-rhoE", "--include=*.py", "HOMEPORT_[A-Z_]+", "src", "tests"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    page = text("docs/reference/configuration.md")
    names = {name for name in listed.stdout.split() if not name.endswith("_")}
    assert names
    assert not [name for name in sorted(names) if f"`{name}`" not in page]


# Differences


def test_whatever_run_task_refuses_is_listed() -> None:
    page = text(DIFFERENCES)
    refused = [*runnable._CONTAINER_MEMBERS.values(), *runnable._VOLUME_KINDS.values()]
    assert not [name for name in refused if name not in page]
    assert not [option for option in runnable._LOG_OPTIONS if f"`{option}`" not in page]


def test_whatever_account_setting_can_be_made_and_has_no_effect_is_listed() -> None:
    free = {name for name, setting in settings.SETTINGS.items() if len(setting.offered) > 1}
    assert not [name for name in sorted(free) if f"`{name}`" not in text(DIFFERENCES)]
