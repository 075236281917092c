"""
Where one Homeport lives: its directories, ports and names.

Written to a file by whoever starts it, read by the server, the node and every command, so that
nothing about an installation is said twice.
"""

import os
from pathlib import Path

import msgspec

FILE = "installation.json"


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one Homeport on this machine."""

    state: str = "/var/lib/homeport"  # survives a reboot
    run: str = "/run/homeport"  # sockets, namespaces, mounts; gone after a reboot
    shared_images: str = "/var/lib/homeport/images"  # images that every installation on this machine may use
    host: str = "127.0.0.1"
    port: int = 4566
    registry_port: int = 4567
    dns_port: int = 4553  # where names are answered for this machine itself
    region: str = "us-east-1"
    account: str = "123456789012"
    node: str = "local"
    cgroup_root: str = "homeport"
    public_pool: str = "198.18.0.0/16"  # public addresses that exist on this machine only (RFC 2544's range)
    s3_endpoint: str = ""  # URL of an S3-compatible store for what load balancers log; none if empty
    s3_credentials: str = ""  # the file with its keys, which `up` reads for the server

    @property
    def endpoint(self) -> str:
        """The URL that AWS's tools are pointed at."""
        return f"http://{self.host}:{self.port}"

    @property
    def registry(self) -> str:
        """The node's registry, as it stands in an image's name."""
        return f"{self.host}:{self.registry_port}"

    @property
    def resolver(self) -> str:
        """Where the names of public zones and load balancers are answered: HOST:PORT."""
        return f"{self.host}:{self.dns_port}"

    @property
    def server_state(self) -> Path:
        return Path(self.state, "server")

    @property
    def node_state(self) -> Path:
        return Path(self.state, "node")

    @property
    def node_run(self) -> Path:
        return Path(self.run, "node")

    @property
    def wire_socket(self) -> Path:
        """Where the server listens for its node."""
        return Path(self.run, "server", "wire.sock")

    @property
    def credentials_file(self) -> Path:
        """The root keys, written by the server at its first start; mode 0600."""
        return self.server_state / "credentials.json"

    @property
    def store_keys_file(self) -> Path:
        """The server's own copy of the store's keys; mode 0600."""
        return Path(self.run, "server", "s3-credentials")

    def log_file(self, program: str) -> Path:
        return Path(self.state, "log", f"{program}.log")

    def write(self) -> None:
        """Put the settings where `read` finds them."""
        Path(self.run).mkdir(parents=True, exist_ok=True)
        target = Path(self.run, FILE)
        temporary = target.with_suffix(".new")
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2))
        temporary.replace(target)


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """An access key of the account's root."""

    access_key_id: str
    secret_access_key: str


def read(run: str | None = None) -> Installation | None:
    """Return the installation whose run directory is *run*, or that HOMEPORT_RUN names; None if there is none."""
    folder = run or os.environ.get("HOMEPORT_RUN") or Installation().run
    try:
        return msgspec.json.decode(Path(folder, FILE).read_bytes(), type=Installation)
    except FileNotFoundError:
        return None


def read_credentials(installation: Installation) -> Credentials | None:
    """Return the root keys, or None before the server's first start."""
    try:
        return msgspec.json.decode(installation.credentials_file.read_bytes(), type=Credentials)
    except FileNotFoundError:
        return None


def client_environment(installation: Installation, credentials: Credentials) -> dict[str, str]:
    """Return the variables that make every AWS tool talk to this installation."""
    return {
        "AWS_ENDPOINT_URL": installation.endpoint,
        # Some operations put a word before the host's name, which no resolver knows: data-127.0.0.1.
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_DEFAULT_REGION": installation.region,
        "AWS_REGION": installation.region,
        "HOMEPORT_RUN": installation.run,
    }
