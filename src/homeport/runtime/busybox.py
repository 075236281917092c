"""The machine's static busybox, of which root filesystems are made here."""

import shutil
import subprocess
from pathlib import Path

from homeport.runtime.machine import get_program
from homeport.runtime.protocol import RuntimeFailed

_INTERPRETER = b"ld-linux"  # named near the start of a program that needs libraries


def find_busybox() -> Path:
    """Return the program's path.  Raises RuntimeFailed if the machine has none."""
    return Path(get_program("busybox", "busybox-static")).resolve()


def install_busybox(busybox: Path, root: Path) -> None:
    """Put the program and a link for each of its tools into `bin` below *root*, which exists.  Raises RuntimeFailed."""
    if _INTERPRETER in busybox.read_bytes()[:4096]:
        raise RuntimeFailed(f"{busybox} is not a static program (package busybox-static)")
    shutil.copy(busybox, root / "bin" / "busybox")
    (root / "bin" / "busybox").chmod(0o755)
    applets = subprocess.run([busybox, "--list"], capture_output=True, check=True, text=True).stdout.split()
    for applet in applets:
        if applet not in ("busybox", "linuxrc"):
            (root / "bin" / applet).symlink_to("busybox")
