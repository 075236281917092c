"""Run the node: `python -m homeport.node INSTALLATION.json [--destroy]`, or `homeport node`."""

import logging
import os
import sys
from pathlib import Path

import msgspec
import uvloop

from homeport.kit.installation import Installation
from homeport.node.agent import destroy as remove_everything
from homeport.node.agent import run
from homeport.node.config import NodeConfig


def serve_installation(path: str, *, destroy: bool = False) -> int:
    """
    Run the node of the installation that the file at *path* describes, until SIGTERM or SIGINT.

    With *destroy* it removes everything the node ever made in the kernel instead, and returns.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if os.geteuid() != 0:
        sys.stderr.write("homeport: the node makes namespaces and containers, so it must be run as root\n")
        return 1
    config = NodeConfig.of(msgspec.json.decode(Path(path).read_bytes(), type=Installation))
    uvloop.run(remove_everything(config) if destroy else run(config))
    return 0


if __name__ == "__main__":
    sys.exit(serve_installation(sys.argv[1], destroy="--destroy" in sys.argv[2:]))
