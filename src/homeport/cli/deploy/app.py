"""`homeport deploy`: its commands as typer sees them."""

from typing import Annotated

import typer

deploy = typer.Typer(help="Follow deployments of services.", no_args_is_help=True)


@deploy.callback()
def group() -> None:
    """Follow deployments of services."""


@deploy.command()
def watch(
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="A service's name or ARN.", show_default=False)],
    cluster: Annotated[str, typer.Option("--cluster", help="The cluster's name.")] = "default",
    once: Annotated[bool, typer.Option("--once", help="Show how it is now, and end.")] = False,
) -> None:
    """
    Watch a service's deployment until it has ended: its tasks, old and new, what it waits for, and its events.

    The exit code is 0 if the deployment has completed, and 1 if it has failed or was rolled back.  Where the output
    is no terminal, each event and each change is a line.
    """
    from homeport.cli.deploy.commands import watch as command

    raise typer.Exit(command(service, cluster, once=once))
