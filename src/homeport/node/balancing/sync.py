"""
Decide what a running proxy is told so that its servers are the targets that are wanted.  Pure.

A target that begins is given no requests until its first check has passed.  HAProxy takes a server for good that is enabled,
so it is enabled with a weight of nothing and at once called "stopping": a server in that state takes nothing new, is up
with the next check that passes, and down with as many failures in a row as any other.

One that drains is in maintenance: what runs is finished, nothing comes, not even from clients that would stay with it.
"""

from collections.abc import Collection, Iterator, Mapping

from homeport.node.balancing.admin import Seen, ServerSeen
from homeport.node.balancing.backend import POOL, WEIGHT, first_options, open_options, server_options
from homeport.node.balancing.model import (
    Desired,
    backend_of,
    first_backend_of,
    groups_of,
    open_backend_of,
    server_of,
)
from homeport.wire.messages import Target, TargetGroup, TargetState


def commands(desired: Desired, seen: Seen, states: Mapping[str, TargetState], begun: Collection[str]) -> list[str]:
    """
    Return what to tell the process, nothing if it is as it shall be.

    *states* says what is known of each target; those in *begun* have been told to begin in this registration.
    """
    groups = groups_of(desired.balancer)
    servers = {(server.backend, server.name): server for server in seen.servers}
    wanted: dict[tuple[str, str], Target] = {}
    told: list[str] = []
    for target in desired.targets.values():
        group = desired.groups.get(target.target_group)
        if group is None or group.id not in groups or group.target_type == "lambda":
            continue
        checked = (backend_of(group.id), server_of(target))
        unchecked = (open_backend_of(group.id), server_of(target))
        wanted[checked] = wanted[unchecked] = target
        told += _checked(target, group, servers.get(checked), begun=target.id in begun)
        first = (first_backend_of(group.id), server_of(target))
        known = target.id in begun and states.get(target.id) is not TargetState.INITIAL
        if not target.draining and not known:
            wanted[first] = target
            told += _first(target, group, servers.get(first))
        passing = not target.draining and states.get(target.id) in (TargetState.HEALTHY, TargetState.UNHEALTHY)
        told += _unchecked(target, group, servers.get(unchecked), passing=passing)
    backends = (backend_of, open_backend_of, first_backend_of)
    by_backend = {backend(id_): group for id_, group in desired.groups.items() for backend in backends}
    for key, server in servers.items():
        if key not in wanted:
            told += _leave(desired, server, by_backend.get(server.backend))
    return told


def _checked(target: Target, group: TargetGroup, server: ServerSeen | None, *, begun: bool) -> Iterator[str]:
    name = f"{backend_of(group.id)}/{server_of(target)}"
    maintained = server is not None and server.status.startswith("MAINT")
    if server is None:
        if target.draining:
            return
        yield f"add server {name} {server_of(target)} {server_options(group)} {POOL} weight 0"
        yield f"enable health {name}"
        maintained = True
    if target.draining:
        if not maintained:
            yield f"set server {name} state maint"
    elif maintained or not begun:
        yield f"set server {name} weight 0"
        yield f"set server {name} state ready"
        yield f"set server {name} health stopping"
        yield f"set server {name} weight {WEIGHT}"
    elif group.unhealthy_termination and server is not None and server.status.startswith("DOWN") and server.sessions:
        yield f"shutdown sessions server {name}"


def _first(target: Target, group: TargetGroup, server: ServerSeen | None) -> Iterator[str]:
    """Have a new target checked at once, and take it for healthy with the first check that passes."""
    name = f"{first_backend_of(group.id)}/{server_of(target)}"
    if server is None:
        yield f"add server {name} {server_of(target)} {first_options(group)}"
        yield f"enable health {name}"
        yield f"set server {name} state ready"
    elif server.status.startswith("UP") and server.check.endswith("OK"):
        yield f"set server {backend_of(group.id)}/{server_of(target)} health up"


def _unchecked(target: Target, group: TargetGroup, server: ServerSeen | None, *, passing: bool) -> Iterator[str]:
    name = f"{open_backend_of(group.id)}/{server_of(target)}"
    if server is None:
        if not passing:
            return
        words = ("add server", name, server_of(target), open_options(group), POOL)
        yield " ".join(word for word in words if word)
    maintained = server is None or server.status.startswith("MAINT")
    if maintained == passing:
        yield f"set server {name} state {'ready' if passing else 'maint'}"


def _leave(desired: Desired, server: ServerSeen, group: TargetGroup | None) -> Iterator[str]:
    """Take a server away; while connections to it are left, the next look finds it still there."""
    name = f"{server.backend}/{server.name}"
    if not server.status.startswith("MAINT"):
        yield f"set server {name} state maint"
    if desired.balancer.kind == "application" or (group is not None and group.connection_termination):
        yield f"shutdown sessions server {name}"
    yield f"del server {name}"
