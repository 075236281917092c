"""Folders of running programs, read while things in them come and go."""

import os
from collections.abc import Iterator
from pathlib import Path


def everything_in(root: Path) -> Iterator[Path]:
    """Yield every path below *root*; one that goes away meanwhile is no error, as it is for `Path.rglob`."""
    for parent, folders, files in os.walk(root):
        for name in (*folders, *files):
            yield Path(parent, name)
