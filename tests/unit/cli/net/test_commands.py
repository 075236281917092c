"""The commands themselves: what they answer, with which exit code, and what they say when they cannot."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.cli.net.town import TOWN
from typer.testing import CliRunner

from homeport.cli.main import app
from homeport.cli.net import commands

RUNNER = CliRunner(env={"COLUMNS": "200"})
F = "f" * 32


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the town where the API would be."""
    monkeypatch.setattr(commands, "read_model", lambda: TOWN)


def test_a_packet_that_passes_is_zero_and_one_that_does_not_is_one(town: None) -> None:
    passes = RUNNER.invoke(app, ["net", "explain", "i-1", f"{F[:8]}/web:80"])
    assert passes.exit_code == 0
    assert passes.output.splitlines()[-1] == "It passes. sg-web (web) lets it in at eni-f: tcp 80 from anywhere."
    stopped = RUNNER.invoke(app, ["net", "explain", "i-1", f"{F}:81"])
    assert stopped.exit_code == 1
    assert "no  ingress groups" in stopped.output
    assert "It does not pass. sg-web (web) has no rule for tcp 81" in stopped.output


@pytest.mark.parametrize(
    ("source", "target", "complaint"),
    [
        ("i-1", "i-2", "'i-2' is not TO:PORT, TO:PORT/udp or TO/icmp"),
        ("i-1", "i-2:0", "'i-2:0' is not TO:PORT"),
        ("i-1", "i-2:80/sctp", "is not TO:PORT"),
        ("i-9", "i-2:80", "there is no i-9"),
        ("nobody", "i-2:80", "there is no task, instance or interface 'nobody'"),
        ("b" * 32, "i-2:80", "each container of the bridge-mode task has a network of its own; name one: bbbbbbbb/web"),
        ("b" * 32 + "/nothing", "i-2:80", "the task has no container 'nothing'; it has web, side"),
        ("eni-free", "i-2:80", "eni-free is attached to nothing, so nothing sends from it"),
        ("10.0.1.99", "i-2:80", "no interface has 10.0.1.99"),
        ("172.17.0.2", "i-2:80", "is in every namespace another"),
        ("", "i-2:80", "is no task, instance, interface or address"),
    ],
)
def test_words_that_mean_nothing_are_said_to(town: None, source: str, target: str, complaint: str) -> None:
    result = RUNNER.invoke(app, ["net", "explain", source, target])
    assert result.exit_code == 2
    assert complaint in result.stderr


def test_a_task_may_be_named_by_its_arn_with_a_container(town: None) -> None:
    arn = f"arn:aws:ecs:us-east-1:123456789012:task/default/{F}"
    assert RUNNER.invoke(app, ["net", "explain", "i-1", f"{arn}:80"]).exit_code == 0
    assert RUNNER.invoke(app, ["net", "explain", f"{arn}/side", "127.0.0.1:80"]).exit_code == 0


def test_show_prints_vpcs_and_draws_one(town: None, tmp_path: Path) -> None:
    file = tmp_path / "town.svg"
    result = RUNNER.invoke(app, ["net", "show", "--vpc", "vpc-1", "--svg", str(file)])
    assert result.exit_code == 0
    for word in ("vpc-1", "i-1", "docker0", "VLAN 7", "32768 → 80/tcp", "sg-db (db)", "tcp 5432 from sg-web"):
        assert word in result.output
    assert file.read_text().startswith("<svg ")
    both = RUNNER.invoke(app, ["net", "show", "--svg", str(file)])
    assert both.exit_code == 2
    assert "choose with --vpc, of vpc-1, vpc-2" in both.stderr
    assert RUNNER.invoke(app, ["net", "show", "--vpc", "vpc-9"]).exit_code == 2


def test_names_are_not_taken_for_markup(town: None, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = TOWN.instances["i-2"]
    named = type(instance)(
        instance.id, instance.type, instance.subnet, instance.vpc, instance.interface, name="[red]x[/]"
    )
    model = replace(TOWN, instances={**TOWN.instances, "i-2": named})
    monkeypatch.setattr(commands, "read_model", lambda: model)
    assert "[red]x[/]" in RUNNER.invoke(app, ["net", "show", "--vpc", "vpc-1"]).output


@pytest.mark.parametrize(
    "words", [["net", "show"], ["net", "explain", "internet", "i-1:80"], ["explain", "task", "x"], ["join"]]
)
def test_without_an_installation_a_command_says_so(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEPORT_RUN", str(tmp_path))
    result = RUNNER.invoke(app, words)
    assert result.exit_code == 2
    assert "it is not running: start it with `homeport up`" in result.stderr


def test_explain_wants_one_thing_to_explain() -> None:
    for words in ([], ["x", "--task-definition", "y"]):
        result = RUNNER.invoke(app, ["explain", "task", *words])
        assert result.exit_code == 2
        assert "name either a task or a --task-definition" in result.stderr
