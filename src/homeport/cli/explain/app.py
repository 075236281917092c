"""`homeport explain`: its commands as typer sees them."""

from typing import Annotated

import typer

explain = typer.Typer(help="Say why things are as they are.", no_args_is_help=True)


@explain.callback()
def group() -> None:
    """Say why things are as they are."""


@explain.command()
def task(
    name: Annotated[str, typer.Argument(metavar="[TASK]", help="A task's id or ARN.", show_default=False)] = "",
    definition: Annotated[
        str, typer.Option("--task-definition", help="Instead of a task: which instances would take one of these.")
    ] = "",
    cluster: Annotated[str, typer.Option("--cluster", help="The cluster's name.")] = "default",
    subnets: Annotated[
        list[str] | None, typer.Option("--subnets", help="Where such a task would have its interface; may be repeated.")
    ] = None,
) -> None:
    """
    Say why a task is where it is, why it waits, or why it stopped.

    With --task-definition: which container instances would take such a task, and why each of the others would not.
    """
    from homeport.cli.explain.commands import explain as command

    raise typer.Exit(command(name, definition, cluster, subnets or []))


@explain.command()
def service(
    name: Annotated[str, typer.Argument(metavar="SERVICE", help="A service's name or ARN.", show_default=False)],
    cluster: Annotated[str, typer.Option("--cluster", help="The cluster's name.")] = "default",
) -> None:
    """Say what a service does now, what it waits for, and why its tasks fail."""
    from homeport.cli.explain.commands import service as command

    raise typer.Exit(command(name, cluster))


@explain.command()
def balancer(
    name: Annotated[str, typer.Argument(metavar="BALANCER", help="A load balancer's name or ARN.", show_default=False)],
) -> None:
    """Say what a load balancer answers with now, and what keeps its targets from being healthy."""
    from homeport.cli.explain.commands import balancer as command

    raise typer.Exit(command(name))


@explain.command(name="name")
def name_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name that somebody asks for.", show_default=False)],
    kind: Annotated[str, typer.Option("--type", help="The type of record that is asked for.")] = "A",
    vpc: Annotated[str, typer.Option("--vpc", help="The VPC that asks; the machine itself if there is none.")] = "",
) -> None:
    """Say which zone answers for a name, and which of its record sets."""
    from homeport.cli.explain.lookup import explain_lookup

    raise typer.Exit(explain_lookup(name, kind, vpc))
