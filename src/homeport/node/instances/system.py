"""
What the system container of an instance is made of: one root filesystem for all, put together from busybox.

There is no image of Amazon Linux here.  The shell is busybox's, under the name of bash too; the tools are busybox's.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from homeport.runtime.busybox import find_busybox, install_busybox

CLOUD = "/var/lib/cloud/instance"
SCRIPTS = f"{CLOUD}/scripts"
OUTPUT = "/var/log/cloud-init-output.log"

_BASH = """#!/bin/sh
# busybox knows no applet of this name; its shell understands the everyday part of bash.
exec /bin/busybox sh "$@"
"""
# Scripts run in the background, because only then is a stop that arrives meanwhile heeded at once.
_INIT = f"""#!/bin/sh
# The first process of an instance: runs its user data at the first boot, then waits for its end.
trap 'kill -TERM -1; exit 0' TERM
cloud={CLOUD}
attempted=0
failed=

run() {{
    for script in "$1"/*; do
        [ -x "$script" ] || continue
        attempted=$((attempted + 1))
        "$script" >>{OUTPUT} 2>&1 </dev/null &
        wait $! || failed="$failed ${{script##*/}}"
    done
}}

finished() {{
    errors=
    if [ -n "$1" ]; then
        errors="\\"$1\\""
    fi
    printf '{{"v1": {{"datasource": "DataSourceEc2", "errors": [%s]}}}}\\n' "$errors" >$cloud/result.json
    echo "$(cut -d ' ' -f 1 /proc/uptime) - $(date -R)" >$cloud/boot-finished.new
    mv $cloud/boot-finished.new $cloud/boot-finished
}}

interrupted=
[ ! -e $cloud/sem/scripts_user ] || [ -e $cloud/sem/scripts_user.done ] || interrupted=yes
run {SCRIPTS}/always
if [ ! -e $cloud/sem/scripts_user ]; then
    mkdir -p $cloud/sem
    : >$cloud/sem/scripts_user
    run {SCRIPTS}/once
    : >$cloud/sem/scripts_user.done
fi
if [ -n "$failed" ]; then
    set -- $failed
    finished "Runparts: $# failures ($*) in $attempted attempted commands"
elif [ -n "$interrupted" ]; then
    : >$cloud/sem/scripts_user.done
    finished "user data was interrupted by the end of the first boot"
else
    finished ""
fi
while :; do
    sleep 86400 &
    wait $!
done
"""
_FILES = {
    "bin/bash": (_BASH, 0o755),
    "sbin/init": (_INIT, 0o755),
    "etc/passwd": (
        "root:x:0:0:root:/root:/bin/sh\nec2-user:x:1000:1000:EC2 Default User:/home/ec2-user:/bin/sh\n",
        0o644,
    ),
    "etc/group": ("root:x:0:\ntty:x:5:\ndocker:x:992:ec2-user\nec2-user:x:1000:\n", 0o644),
    "etc/shells": ("/bin/sh\n/bin/bash\n", 0o644),
    "etc/os-release": ('NAME="Homeport"\nID=homeport\nPRETTY_NAME="Homeport instance (busybox)"\n', 0o644),
}
_DIRECTORIES = {
    **dict.fromkeys(
        ("bin", "sbin", "etc/ecs", "dev", "proc", "sys", "run", "opt", "mnt", "home", "usr/local/bin"), 0o755
    ),
    **dict.fromkeys(("var/log", "var/lib/cloud/instance", "var/lib/cloud/data"), 0o755),
    "root": 0o700,
    "tmp": 0o1777,
    "var/tmp": 0o1777,
    "home/ec2-user": 0o700,
}
_LINKS = {
    "usr/bin": "../bin",
    "usr/sbin": "../bin",
    "var/run": "../run",
    "var/lib/cloud/data/result.json": "../instance/result.json",
}


def ensure_root(directory: Path) -> Path:
    """
    Return the root filesystem below *directory*, made if it is not there.  Raises RuntimeFailed.

    It is named by what it is made of: containers keep the one they were made with when busybox or we change.
    """
    busybox = find_busybox()
    digest = hashlib.sha256(busybox.read_bytes())
    digest.update(repr((_FILES, _DIRECTORIES, _LINKS)).encode())
    root = directory / f"root-{digest.hexdigest()[:12]}"
    if root.is_dir():
        return root
    directory.mkdir(parents=True, exist_ok=True)
    fresh = root.with_suffix(".new")
    with _exclusively(directory):
        if root.is_dir():  # made meanwhile
            return root
        if fresh.exists():  # we were killed while making it
            shutil.rmtree(fresh)
        fresh.mkdir()
        _lay_out(busybox, fresh)
        fresh.rename(root)
    return root


@contextlib.contextmanager
def _exclusively(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _lay_out(busybox: Path, root: Path) -> None:
    root.chmod(0o755)
    for name, mode in _DIRECTORIES.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name).chmod(mode)
    os.chown(root / "home/ec2-user", 1000, 1000)
    install_busybox(busybox, root)
    for name, (text, mode) in _FILES.items():
        (root / name).write_text(text)
        (root / name).chmod(mode)
    for name, target in _LINKS.items():
        (root / name).symlink_to(target)
