"""Cgroups read from files, seccomp profiles, overlay options, signals: whatever needs no root."""

import signal
from pathlib import Path

import pytest

from homeport.runtime.cgroups import Leaf
from homeport.runtime.cgroups_v1 import CONTROLLERS, CgroupsV1
from homeport.runtime.cgroups_v2 import CgroupsV2, cpu_weight
from homeport.runtime.conmon import runtime_command, signal_number
from homeport.runtime.machine import plan_rlimits
from homeport.runtime.overlay import plan_options
from homeport.runtime.protocol import Limits, Rlimit, RuntimeFailed
from homeport.runtime.seccomp import resolve_profile, restrict

LEAF = Leaf("task", "web")


def put(directory: Path, files: dict[str, str]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / name).write_text(text)


@pytest.fixture
def unified(tmp_path: Path) -> CgroupsV2:
    """Make a tree of ordinary files where the kernel would put control files."""
    control = {"cgroup.subtree_control": ""}
    put(tmp_path, {"cgroup.controllers": "cpuset cpu io memory pids\n", **control})
    files = dict.fromkeys(("cpu.max", "cpu.weight", "memory.max", "memory.low", "memory.swap.max", "pids.max"), "")
    put(tmp_path / "homeport", {**control})
    put(tmp_path / "homeport" / "task", {**control, **files})
    return CgroupsV2("homeport", tmp_path)


def test_group_limits_of_the_second_generation(unified: CgroupsV2, tmp_path: Path) -> None:
    unified.ensure_group("task", Limits(cpu_quota=0.25, cpu_shares=256, memory_bytes=512, pids=9))
    told = {path.name: path.read_text() for path in (tmp_path / "homeport" / "task").iterdir()}
    assert told["cpu.max"] == "25000 100000"
    assert told["memory.max"] == "512"
    assert told["memory.swap.max"] == "0"
    assert told["pids.max"] == "9"
    assert told["cpu.weight"] == str(cpu_weight(256))


def test_stats_of_the_second_generation(unified: CgroupsV2, tmp_path: Path) -> None:
    put(
        tmp_path / "homeport" / "task" / "web",
        {
            "cpu.stat": "usage_usec 1234\nuser_usec 1000\n",
            "memory.current": "4096\n",
            "memory.max": "max\n",
            "memory.peak": "8192\n",
            "memory.stat": "anon 5\ninactive_file 77\n",
            "memory.events": "low 0\noom 2\noom_kill 1\n",
            "pids.current": "3\n",
            "io.stat": "8:0 rbytes=10 wbytes=20 rios=1\n8:16 rbytes=1 wbytes=2\n",
        },
    )
    (tmp_path / "homeport" / "task" / "memory.max").write_text("1000000\n")
    stats = unified.stats(LEAF)
    assert (stats.cpu_nanoseconds, stats.memory_bytes, stats.memory_limit_bytes) == (1_234_000, 4096, 1_000_000)
    assert (stats.memory_peak_bytes, stats.memory_inactive_file_bytes, stats.pids) == (8192, 77, 3)
    assert (stats.block_read_bytes, stats.block_write_bytes) == (11, 22)
    assert unified.oom_kills(LEAF) == 1


def test_leaf_of_the_second_generation_is_entered_by_crun(unified: CgroupsV2) -> None:
    assert unified.entrances(LEAF) == ()
    section = unified.section(LEAF, Limits())
    assert section["cgroupsPath"] == "/homeport/task/web"
    assert section["resources"]["devices"][0] == {"allow": False, "access": "rwm"}
    assert unified.runtime_arguments == ("--cgroup-manager=cgroupfs",)


def test_shares_and_weights_meet_at_their_ends() -> None:
    assert (cpu_weight(0), cpu_weight(2), cpu_weight(262_144), cpu_weight(10**9)) == (1, 1, 10_000, 10_000)


@pytest.fixture
def trees(tmp_path: Path) -> dict[str, Path]:
    return {name: tmp_path / ("cpu,cpuacct" if name.startswith("cpu") else name) for name in CONTROLLERS}


def test_mounted_together_means_entered_once(trees: dict[str, Path]) -> None:
    entrances = CgroupsV1("homeport", trees).entrances(LEAF)
    assert len(entrances) == len(CONTROLLERS) - 1
    assert all(path.endswith("/homeport/task/web/tasks") for path in entrances)


def test_missing_controller_is_named(trees: dict[str, Path]) -> None:
    del trees["pids"]
    with pytest.raises(RuntimeFailed, match="lacks the cgroup controllers pids"):
        CgroupsV1("homeport", trees)


def test_stats_of_the_first_generation(trees: dict[str, Path]) -> None:
    cgroups = CgroupsV1("homeport", trees)

    def leaf(controller: str) -> Path:
        return trees[controller] / "homeport" / "task" / "web"

    put(
        leaf("memory"),
        {
            "memory.usage_in_bytes": "4096\n",
            "memory.limit_in_bytes": "9223372036854771712\n",
            "memory.max_usage_in_bytes": "8192\n",
            "memory.stat": "cache 1\ntotal_inactive_file 77\n",
            "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
        },
    )
    put(leaf("memory").parent, {"memory.limit_in_bytes": "1000000\n"})
    put(leaf("cpu"), {"cpuacct.usage": "1234\n"})
    put(leaf("pids"), {"pids.current": "3\n"})
    put(leaf("blkio"), {"blkio.throttle.io_service_bytes": "8:0 Read 10\n8:0 Write 20\n8:16 Read 1\nTotal 31\n"})
    stats = cgroups.stats(LEAF)
    assert (stats.cpu_nanoseconds, stats.memory_bytes, stats.memory_limit_bytes) == (1234, 4096, 1_000_000)
    assert (stats.memory_peak_bytes, stats.memory_inactive_file_bytes, stats.pids) == (8192, 77, 3)
    assert (stats.block_read_bytes, stats.block_write_bytes) == (11, 20)
    assert cgroups.oom_kills(LEAF) == 2


def test_profile_conditions() -> None:
    profile = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 38,
        "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
        "syscalls": [
            {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": []},
            {"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_BPF"]}},
            {"names": ["bpf"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "excludes": {"caps": ["CAP_BPF"]}},
            {"names": ["arm"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm64"]}},
            {"names": ["new"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "6.1"}},
        ],
    }

    def resolved(kernel: tuple[int, int], *capabilities: str) -> list[tuple[str, str]]:
        section = resolve_profile(profile, capabilities, "x86_64", kernel)
        assert section["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
        return [(rule["names"][0], rule["action"]) for rule in section["syscalls"]]

    assert resolved((5, 10)) == [("read", "SCMP_ACT_ALLOW"), ("bpf", "SCMP_ACT_ERRNO")]
    assert resolved((6, 1), "CAP_BPF") == [(n, "SCMP_ACT_ALLOW") for n in ("read", "bpf", "new")]


def test_namespaces_are_for_containers_with_sys_admin_and_keyrings_for_nobody() -> None:
    names = ["clone", "clone3", "keyctl", "mount", "read", "unshare"]
    section = {"syscalls": [{"names": names, "action": "SCMP_ACT_ALLOW"}]}

    def allowed(*capabilities: str) -> set[str]:
        rules = restrict(section, capabilities)["syscalls"]
        return {name for rule in rules if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]}

    assert allowed("CAP_SYS_ADMIN") == set(names) - {"keyctl"}
    assert allowed("CAP_CHOWN") == {"clone", "read"}
    (clone,) = [rule for rule in restrict(section, ())["syscalls"] if rule["names"] == ["clone"]]
    assert clone["args"][0]["op"] == "SCMP_CMP_MASKED_EQ"


def test_overlay_options_keep_their_separators() -> None:
    options = plan_options(["/a:b", "/c,d"], Path("/upper"), Path("/work"))
    assert options == "lowerdir=/a\\:b:/c\\,d,upperdir=/upper,workdir=/work,volatile"


@pytest.mark.parametrize(
    ("name", "number"),
    [("SIGTERM", 15), ("term", 15), ("9", 9), ("SIGRTMIN+3", int(signal.SIGRTMIN) + 3), ("SIGQUIT", 3)],
)
def test_signal_names(name: str, number: int) -> None:
    assert signal_number(name) == number


@pytest.mark.parametrize("name", ["", "SIG", "0", "99", "SIGTERM+x", "SIG_DFL", "-1"])
def test_senseless_signals_are_refused(name: str) -> None:
    with pytest.raises(RuntimeFailed, match="unknown signal"):
        signal_number(name)


def test_runtime_enters_its_cgroups_first() -> None:
    assert runtime_command("/crun", ()) == ["/crun"]
    program, flag, script, name = runtime_command("/crun", ("/a b/tasks",))
    assert (program, flag, name) == ("/bin/sh", "-c", "crun")
    assert script == 'for file in \'/a b/tasks\'; do echo 0 >"$file" || exit 125; done; exec /crun "$@"'


def test_rlimits() -> None:
    (planned,) = plan_rlimits((Rlimit("nofile", 10, 20),))
    assert planned == {"type": "RLIMIT_NOFILE", "soft": 10, "hard": 20}
    with pytest.raises(RuntimeFailed, match="unknown ulimit nonsense"):
        plan_rlimits((Rlimit("nonsense", 1, 1),))
    with pytest.raises(RuntimeFailed, match="soft limit 30 exceeds the hard limit 20"):
        plan_rlimits((Rlimit("nofile", 30, 20),))
