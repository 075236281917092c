"""What `homeport deploy watch` does: look at a service once a second until its deployment has ended."""

import sys
import time
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.live import Live

from homeport.cli.client import Clients, complain
from homeport.cli.deploy.reading import Asker, NotThere
from homeport.cli.deploy.table import render
from homeport.cli.deploy.watching import Look, Outcome, Watch

_INTERVAL = 1.0  # seconds from one look to the next


def watch(service: str, cluster: str, *, once: bool) -> int:
    """Watch a service's deployment; the exit code is 0 if it has completed, 1 if not, 2 if it cannot be seen."""
    clients = Clients()
    asker = Asker(clients.client("ecs"), clients.client("elbv2"), cluster, service)
    try:
        if once:
            last = next(_looks(asker))[1]
            Console().print(render(last, last.events))
            return 0
        last = _draw(asker) if sys.stdout.isatty() else _tell(asker)
    except (BotoCoreError, ClientError, NotThere) as error:
        return complain(error)
    except KeyboardInterrupt:
        return 130
    return 0 if last.outcome is Outcome.COMPLETED else 1


def _looks(asker: Asker) -> Iterator[tuple[Watch, Look]]:
    """Yield one look after the other; the last shows how it ended."""
    watching = Watch()
    while True:
        watching, seen = watching.look(asker.ask(), time.time())
        yield watching, seen
        if seen.outcome is not Outcome.UNDERWAY:
            return
        time.sleep(_INTERVAL)


def _draw(asker: Asker) -> Look:
    """Draw over what was drawn before, as long as it lasts."""
    events: list[Any] = []
    with Live(console=Console(), auto_refresh=False) as live:
        for _, seen in _looks(asker):
            events += seen.events
            live.update(render(seen, events), refresh=True)
    return seen


def _tell(asker: Asker) -> Look:
    """Print a line for all that is new: where the output goes to a file or another program."""
    telling = Watch()
    for _, seen in _looks(asker):
        telling, lines = telling.lines(seen)
        for line in lines:
            print(line, flush=True)
    return seen
