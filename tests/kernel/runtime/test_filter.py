"""The ready-made seccomp filter is the one that crun itself would compile, and it denies."""

import ctypes
import errno
import json
import platform
import subprocess
from pathlib import Path

import pytest
from tests.kernel.runtime.test_containers import says
from tests.unit.runtime.contract import FOREVER, Bench

from homeport.runtime.launch import Launchers
from homeport.runtime.machine import get_program
from homeport.runtime.records import Records
from homeport.runtime.seccomp import Filters
from homeport.runtime.spec import DEFAULT_CAPABILITIES

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize(
    "capabilities",
    [DEFAULT_CAPABILITIES, (), (*DEFAULT_CAPABILITIES, "SYS_PTRACE"), ("CHOWN", "SYS_ADMIN", "SYS_TIME")],
)
async def test_filter_is_byte_for_byte_what_crun_compiles(
    bench: Bench, tmp_path: Path, capabilities: tuple[str, ...]
) -> None:
    """Have crun make the same container once with our filter and once with the profile."""
    await bench.run("a", FOREVER, capabilities_add=capabilities, capabilities_drop=("ALL",))
    (run,) = Records(tmp_path / "state", tmp_path / "run").runs("a")
    config = json.loads(run.config.read_text())
    ours = (run.state_root / "a" / "seccomp.bpf").read_bytes()
    await bench.runtime.remove("a")

    del config["annotations"]["run.oci.seccomp_bpf_data"]
    config["linux"]["seccomp"] = Filters(tmp_path / "f").section([f"CAP_{name}" for name in capabilities])
    config["linux"]["namespaces"] = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]
    config["mounts"] = [mount for mount in config["mounts"] if not mount["destination"].startswith("/sys")]
    config["process"]["args"] = ["/bin/true"]
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "root").mkdir()
    config["root"]["path"] = "root"
    (bundle / "config.json").write_text(json.dumps(config))
    (bundle / "root" / "bin").mkdir()
    (bundle / "root" / "bin" / "true").write_bytes(Path(get_program("busybox", "busybox-static")).read_bytes())
    (bundle / "root" / "bin" / "true").chmod(0o755)
    launchers = Launchers(get_program("crun", "crun"))

    def compiled() -> bytes:
        crun = [launchers.crun, "--root", str(tmp_path / "crun"), "--cgroup-manager=disabled"]
        subprocess.run([*crun, "create", "--bundle", str(bundle), "x"], check=True, stdout=subprocess.DEVNULL)
        try:
            return (tmp_path / "crun" / "x" / "seccomp.bpf").read_bytes()
        finally:
            subprocess.run([*crun, "delete", "--force", "x"], check=True)

    try:
        theirs = await launchers.run(compiled)
    finally:
        launchers.close()
    assert len(ours) > 1000
    assert ours == theirs


async def test_denied_calls_are_denied(bench: Bench) -> None:
    assert "Seccomp:\t2" in await says(bench, "grep Seccomp: /proc/self/status")
    # Not for lack of a capability: SYS_ADMIN is given, and swapon is still not in the profile's list.
    if "SYS_ADMIN" in (await says(bench, "echo SYS_ADMIN")):
        told = await says(bench, "swapon /bin/busybox 2>&1; umount /proc/keys 2>&1", capabilities_add=("SYS_BOOT",))
        assert "swapon: /bin/busybox: " in told


@pytest.mark.skipif(platform.machine() != "x86_64", reason="call numbers of x86-64")
async def test_probes_answer_as_the_profile_says() -> None:
    """Apply the filter in a child of ours and make calls whose outcome without it would differ."""
    denied = {"kexec_load": (246, errno.EPERM), "add_key": (248, None), "no such call": (1000, errno.ENOSYS)}
    program = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
data = open(sys.argv[1], "rb").read()
class Prog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]
prog = Prog(len(data) // 8, data)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(prog)) == 0
for number in map(int, sys.argv[2:]):
    ctypes.set_errno(0)
    result = libc.syscall(number, -1, -1, -1, -1, -1)
    os.write(1, f"{ctypes.get_errno() if result < 0 else 0} ".encode())
"""
    import base64
    import sys
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        blob = Path(directory) / "filter"
        blob.write_bytes(base64.b64decode(Filters(Path(directory)).annotation(())))
        numbers = [number for number, _ in denied.values()]
        told = subprocess.run(
            [sys.executable, "-c", program, str(blob), *map(str, numbers)], capture_output=True, check=True
        ).stdout.split()
    for (name, (_, expected)), got in zip(denied.items(), told, strict=True):
        if expected is not None:
            assert int(got) == expected, name
    assert ctypes.sizeof(ctypes.c_void_p) == 8
