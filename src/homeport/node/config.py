"""Where a node keeps its things and whom it talks to."""

from dataclasses import dataclass
from pathlib import Path

from homeport.kit.installation import Installation


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """
    The settings of one node.

    `state` survives a reboot, `run` does not.  `gateway` is the API that containers reach at
    VPC+2:4566: "HOST:PORT", or the path of a unix socket.
    """

    name: str
    state: Path
    run: Path
    server_socket: Path
    cgroup_root: str
    shared_images: Path
    registry: str
    gateway: str
    public_pool: str
    resolver: str  # "HOST:PORT" at which this machine itself asks for names
    region: str

    @classmethod
    def of(cls, installation: Installation) -> "NodeConfig":
        """Return the node's share of an installation's settings."""
        return cls(
            name=installation.node,
            state=installation.node_state,
            run=installation.node_run,
            server_socket=installation.wire_socket,
            cgroup_root=installation.cgroup_root,
            shared_images=Path(installation.shared_images),
            registry=installation.registry,
            gateway=f"{installation.host}:{installation.port}",
            public_pool=installation.public_pool,
            resolver=installation.resolver,
            region=installation.region,
        )
