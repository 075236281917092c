"""
HAProxy's configuration for a load balancer.  Pure: the same wishes give the same text.

What is fixed while a process runs makes up its *fingerprint*; the targets are changed while it runs, and are written here
only so that it begins with them.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from homeport.node.balancing import pages
from homeport.node.balancing.answers import Files
from homeport.node.balancing.backend import WEIGHT, backends
from homeport.node.balancing.frontend import frontend
from homeport.node.balancing.model import Desired, Placed, backend_of, groups_of, open_backend_of, server_of
from homeport.wire.messages import LoadBalancer, TargetState

HARD_STOP_SECONDS = 3600
_STATE_HEADER = (
    "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight"
    " srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state"
    " bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr"
    " srv_agent_addr srv_agent_port"
)
_STOPPED, _RUNNING = 0, 2  # srv_op_state
_READY, _MAINTENANCE = 0, 1  # srv_admin_state


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a process has its things, and how many clients it may have.

    *run* names its own files in the directory it works in, *root* is an empty one.
    """

    run: str
    root: Path
    clients: int = 20_000
    user: str = "haproxy"
    group: str = "haproxy"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A configuration, the states its servers begin with, and the files it names."""

    config: str
    state: str
    files: Mapping[str, str]


def render(desired: Desired, placed: Collection[Placed], place: Place) -> Rendered:
    """Return the configuration for *desired*, which takes over its targets as *placed*."""
    files = Files()
    balancer = desired.balancer
    groups = {id_: desired.groups[id_] for id_ in sorted(groups_of(balancer)) if id_ in desired.groups}
    sections: list[Iterable[str]] = [_global(place), _defaults(files, balancer)]
    sections += [frontend(files, balancer, listener, groups) for listener in balancer.listeners]
    for id_, group in groups.items():
        sections += backends(files, balancer, group, [each for each in placed if each.target.target_group == id_])
    config = "\n\n".join(_section(lines) for lines in sections) + "\n"
    return Rendered(config, _states([each for each in placed if each.target.target_group in groups]), files.texts)


def fingerprint(desired: Desired) -> str:
    """Return a name for all that a running process cannot be told to change."""
    rendered = render(desired, (), Place("", Path("/")))
    return hashlib.sha256("\n".join((rendered.config, *sorted(rendered.files))).encode()).hexdigest()[:16]


def _section(lines: Iterable[str]) -> str:
    head, *rest = lines
    return "\n".join((head, *(f"    {line}" for line in rest)))


def _global(place: Place) -> list[str]:
    return [
        "global",
        f"stats socket unix@{place.run}.sock mode 600 level admin expose-fd listeners",
        "stats timeout 1h",
        f"server-state-file {place.run}.state",
        f"hard-stop-after {HARD_STOP_SECONDS}s",
        f"user {place.user}",
        f"group {place.group}",
        f"chroot {place.root}",
        f"maxconn {place.clients}",
        "ssl-server-verify none",
        "tune.ssl.default-dh-param 2048",
    ]


def _defaults(files: Files, balancer: LoadBalancer) -> list[str]:
    idle = balancer.idle_timeout
    lines = [
        "defaults",
        "load-server-state-from-file global",
        f"timeout connect {pages.CONNECT_SECONDS}s",
        f"timeout client {idle}s",
        f"timeout server {idle}s",
        f"timeout tunnel {idle}s",
        f"retries {pages.CONNECT_TRIES - 1}",
        "option redispatch 1",
    ]
    if balancer.kind == "network":
        return [*lines, "mode tcp"]
    return [
        *lines,
        "mode http",
        f"timeout http-request {idle}s",
        f"timeout http-keep-alive {idle}s",
        "option http-ignore-probes",
        "option idle-close-on-response",
        "retry-on conn-failure empty-response",
        *(f"errorfile {status} {files.put(pages.answer(status), 'http')}" for status in pages.ERRORS),
        (
            f"http-error status 503 content-type text/html lf-file {files.put(pages.unconnected(), 'format')}"
            f" hdr Server {pages.SERVER} hdr {pages.UNCONNECTED} yes"
        ),
    ]


def _states(placed: Iterable[Placed]) -> str:
    """
    Say in which state each server begins.

    One that has not been checked yet begins in maintenance: what makes it wait for its first check is said to the
    process when it runs.
    """
    lines = ["1", _STATE_HEADER]
    for each in placed:
        waits = each.state in (TargetState.INITIAL, TargetState.DRAINING, TargetState.DRAINED)
        admin = _MAINTENANCE if waits else _READY
        state = _STOPPED if each.state is TargetState.UNHEALTHY else _RUNNING
        health = 0 if state == _STOPPED else 1
        target = each.target
        for backend, operation in ((backend_of, state), (open_backend_of, _RUNNING)):
            head = f"0 {backend(target.target_group)} 0 {server_of(target)} {target.address} {operation} {admin}"
            weight = WEIGHT if backend is backend_of else 1
            lines.append(f"{head} {weight} {weight} 0 6 3 {health} 6 0 0 0 - {target.port} - 0 0 - - 0")
    return "\n".join(lines) + "\n"
