"""
`homeport`: run your own Fargate.

Commands import what they need when they run: `homeport lab` must not pay for what `homeport status` shows.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from homeport.cli.deploy.app import deploy
from homeport.cli.explain.app import explain
from homeport.cli.net.app import net
from homeport.kit.installation import Installation

app = typer.Typer(
    name="homeport",
    help="Your own Fargate: an AWS-compatible home for containers, on your own Linux machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
image = typer.Typer(help="Put images on this machine without a registry.", no_args_is_help=True)
app.add_typer(image, name="image")
app.add_typer(net, name="net")
app.add_typer(explain, name="explain")
app.add_typer(deploy, name="deploy")

S3Endpoint = Annotated[str, typer.Option("--s3-endpoint", help="URL of an S3-compatible store, for access logs.")]
S3Credentials = Annotated[
    str, typer.Option("--s3-credentials", help="A file with the store's keys, as AWS's tools have it.")
]


def main() -> None:
    """Run the command line."""
    app()


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(
    context: typer.Context,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the lab's state and logs on disk, and say where.")] = False,
    s3_endpoint: S3Endpoint = "",
    s3_credentials: S3Credentials = "",
) -> None:
    """
    Run a command beside a fresh Homeport in a box.

    The box is a network namespace of its own: no default route, no link to this machine.  The command
    finds AWS_ENDPOINT_URL and keys in its environment.  Its exit code is ours; every trace goes when it ends.

    Example: homeport lab -- aws ecs list-clusters
    """
    from homeport.cli.lab import run

    command = context.args or [os.environ.get("SHELL", "/bin/sh")]
    raise typer.Exit(run(command, keep=keep, s3_endpoint=s3_endpoint, s3_credentials=s3_credentials))


@app.command()
def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return once it runs.")] = False,
    port: Annotated[int, typer.Option(help="Where the AWS API answers.")] = Installation().port,
    host: Annotated[str, typer.Option(help="The address the AWS API listens on.")] = Installation().host,
    dns_port: Annotated[int, typer.Option(help="Where names are answered for this machine.")] = Installation().dns_port,
    region: Annotated[str, typer.Option(help="The region of names and addresses.")] = Installation().region,
    account: Annotated[str, typer.Option(help="The account of every ARN.")] = Installation().account,
    state: Annotated[str, typer.Option(help="What survives a reboot.")] = Installation().state,
    run: Annotated[str, typer.Option(help="Sockets and namespaces.", envvar="HOMEPORT_RUN")] = Installation().run,
    s3_endpoint: S3Endpoint = "",
    s3_credentials: S3Credentials = "",
) -> None:
    """Run Homeport on this machine: in the foreground until Ctrl-C, or detached."""
    from homeport.cli.daemon import up as command

    installation = Installation(
        host=host,
        port=port,
        dns_port=dns_port,
        region=region,
        account=account,
        state=state,
        run=run,
        s3_endpoint=s3_endpoint,
        s3_credentials=str(Path(s3_credentials).absolute()) if s3_credentials else "",
    )
    raise typer.Exit(command(installation, detach=detach))


@app.command()
def down(
    purge: Annotated[bool, typer.Option("--purge", help="Also delete the state: tasks, logs, images.")] = False,
) -> None:
    """Stop Homeport and remove its containers and networks from this machine."""
    from homeport.cli.daemon import down as command

    raise typer.Exit(command(purge=purge))


@app.command()
def status() -> None:
    """Say what runs, and where its API answers."""
    from homeport.cli.daemon import status as command

    raise typer.Exit(command())


@app.command()
def dns(
    name: Annotated[str, typer.Argument(help="A name to ask for.")] = "",
    kind: Annotated[str, typer.Option("--type", help="The type of record to ask for.")] = "A",
) -> None:
    """
    Say how this machine finds the names of public zones and load balancers; with a NAME, ask for it.

    Nothing is changed: the lines to put into the configuration of the machine's own resolver are printed.
    """
    from homeport.cli.dns import explain_dns, lookup

    raise typer.Exit(lookup(name, kind) if name else explain_dns())


@app.command()
def env() -> None:
    """
    Print the variables that point AWS's tools at Homeport.

    Use it as: eval "$(homeport env)"
    """
    from homeport.cli.daemon import env as command

    raise typer.Exit(command())


@app.command()
def logs(
    program: Annotated[str, typer.Argument(help="server or node; both when left out.")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they grow.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many lines from the end.")] = 40,
) -> None:
    """Show Homeport's own logs (a task's output is in CloudWatch Logs)."""
    from homeport.cli.daemon import logs as command

    raise typer.Exit(command(program, follow=follow, lines=lines))


@app.command()
def server(
    installation: Annotated[str, typer.Argument(help="The installation.json that says where it lives.")],
) -> None:
    """Run only the API server of an installation; `up` does this for you."""
    from homeport.server import serve_installation as command

    command(installation)


@app.command()
def node(
    installation: Annotated[str, typer.Argument(help="The installation.json that says where it lives.")],
    destroy: Annotated[bool, typer.Option("--destroy", help="Remove everything the node made, and end.")] = False,
) -> None:
    """Run only the node of an installation; `up` does this for you."""
    from homeport.node.__main__ import serve_installation as command

    raise typer.Exit(command(installation, destroy=destroy))


@app.command()
def join(
    cluster: Annotated[str, typer.Option("--cluster", help="The cluster to join.")] = "default",
    subnet: Annotated[str, typer.Option("--subnet", help="A subnet; the first default one when left out.")] = "",
    groups: Annotated[
        list[str] | None, typer.Option("--security-group", help="A security group; may be repeated.")
    ] = None,
) -> None:
    """Make this machine a container instance of its real size."""
    from homeport.cli.join import join as command

    raise typer.Exit(command(cluster, subnet, groups or []))


@app.command()
def doctor() -> None:
    """Check kernel, cgroups and tools, and say what each missing one costs."""
    from homeport.cli.doctor import doctor as command

    raise typer.Exit(command())


@image.command("build")
def image_build(
    context: Annotated[str, typer.Argument(help="Folder with a Containerfile or Dockerfile.")],
    tag: Annotated[str, typer.Option("--tag", "-t", help="The name that task definitions use.")],
) -> None:
    """Build an image into this installation's store."""
    from homeport.cli.images import build as command

    raise typer.Exit(command(context, tag))


@image.command("load")
def image_load(
    archive: Annotated[str, typer.Argument(help="A docker or OCI archive.")],
) -> None:
    """Load an image archive into this installation's store."""
    from homeport.cli.images import load as command

    raise typer.Exit(command(archive))


@image.command("demo")
def image_demo() -> None:
    """Build the demo image homeport/web:latest from this machine's busybox, unless it is there."""
    from homeport.cli.images import demo as command

    raise typer.Exit(command())


if __name__ == "__main__":
    main()
