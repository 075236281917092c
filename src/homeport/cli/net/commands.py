"""What `homeport net show` and `homeport net explain` do."""

from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from homeport.cli.client import Clients, complain
from homeport.cli.net import svg, tree
from homeport.cli.net.layout import lay_out
from homeport.cli.net.model import Model, Vpc
from homeport.cli.net.places import Unknown, find_destination, find_source, parse_target
from homeport.cli.net.reading import collect, model_of
from homeport.cli.net.verdict import Verdict, judge


def read_model() -> Model:
    """Return this installation's network in the region in force."""
    clients = Clients()
    return model_of(collect(clients.client("ec2"), clients.client("ecs")))


def show(vpc: str, file: str) -> int:
    """Print VPCs, and write one of them as SVG if *file* is given."""
    try:
        model = read_model()
        chosen = _choose(model, vpc)
    except (BotoCoreError, ClientError, Unknown) as error:
        return complain(error)
    console = Console()
    for each in chosen:
        console.print(tree.render(model, each))
    if not file:
        return 0
    if len(chosen) != 1:
        return complain(f"one file holds one VPC: choose with --vpc, of {', '.join(each.id for each in chosen)}")
    Path(file).write_text(svg.render(lay_out(model, chosen[0])), encoding="utf-8")
    console.print(Text(f"{file} is written."))
    return 0


def _choose(model: Model, vpc: str) -> list[Vpc]:
    """Return the VPC that is asked for, or those that have something in them, or all."""
    if vpc:
        if vpc not in model.vpcs:
            raise Unknown(f"there is no {vpc}")
        return [model.vpcs[vpc]]
    by_id = sorted(model.vpcs.values(), key=lambda each: each.id)
    used = {eni.vpc for eni in model.enis.values()}
    return [each for each in by_id if each.id in used] or by_id


def explain(source: str, target: str) -> int:
    """Say whether a packet would pass; the exit code is 0 if so, 1 if not."""
    try:
        where, packet = parse_target(target)
        model = read_model()
        verdict = judge(model, find_source(model, source), find_destination(model, where, packet), packet)
    except (BotoCoreError, ClientError, Unknown) as error:
        return complain(error)
    _print(verdict)
    return 0 if verdict.passes else 1


def _print(verdict: Verdict) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for hop in verdict.hops:
        mark = Text("ok", style="green") if hop.passes else Text("no", style="bold red")
        table.add_row(mark, Text(hop.where, style="bold"), Text(hop.what))
    console = Console()
    console.print(table)
    console.print(
        Text("It passes. " if verdict.passes else "It does not pass. ", style="bold"), Text(verdict.reason), sep=""
    )
