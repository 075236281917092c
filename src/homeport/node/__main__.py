"""
Run the node: `python -m homeport.node INSTALLATION.json`.

With `--destroy` it removes everything the node ever made in the kernel, and ends.
"""

import argparse
import logging
import os
import sys
from pathlib import Path

import msgspec
import uvloop

from homeport.kit.installation import Installation
from homeport.node.agent import destroy, run
from homeport.node.config import NodeConfig


def main() -> int:
    parser = argparse.ArgumentParser(prog="homeport-node", description=__doc__)
    parser.add_argument("installation", type=Path, help="the file that describes the installation")
    parser.add_argument("--destroy", action="store_true", help="remove everything the node made, and end")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if os.geteuid() != 0:
        sys.stderr.write("homeport: the node makes namespaces and containers, so it must be run as root\n")
        return 1
    config = NodeConfig.of(msgspec.json.decode(options.installation.read_bytes(), type=Installation))
    uvloop.run(destroy(config) if options.destroy else run(config))
    return 0


if __name__ == "__main__":
    sys.exit(main())
