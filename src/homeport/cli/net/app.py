"""`homeport net`: its commands as typer sees them."""

from typing import Annotated

import typer

net = typer.Typer(help="See and explain the network.", no_args_is_help=True)


@net.command()
def show(
    vpc: Annotated[
        str, typer.Option("--vpc", help="Only this VPC; all that have something in them when left out.")
    ] = "",
    svg: Annotated[str, typer.Option("--svg", metavar="FILE", help="Also draw the VPC into this file.")] = "",
) -> None:
    """Show VPCs: subnets, instances, bridges, trunks, interfaces, tasks, ports and security groups."""
    from homeport.cli.net.commands import show as command

    raise typer.Exit(command(vpc, svg))


@net.command()
def explain(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FROM", help="TASK, TASK/CONTAINER, instance, interface, app/BALANCER, address, or internet."
        ),
    ],
    target: Annotated[
        str, typer.Argument(metavar="TO:PORT", help="The same with a port; /udp behind it, or /icmp instead.")
    ],
) -> None:
    """
    Say whether a packet would pass, hop by hop, and which rule decides.

    The exit code is 0 if it passes and 1 if not.  Whether anybody listens is not judged.

    Example: homeport net explain internet 3f2a9c1d/web:80
    """
    from homeport.cli.net.commands import explain as command

    raise typer.Exit(command(source, target))
