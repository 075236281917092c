"""What a container is given: user, files, limits, capabilities; seen from inside it."""

import asyncio
import resource
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.processes import command_lines
from tests.unit.runtime.contract import FOREVER, Bench

from homeport.runtime import machine
from homeport.runtime.cgroups import members
from homeport.runtime.oci import OciRuntime
from homeport.runtime.protocol import Limits, Mount, Rlimit, RuntimeFailed, Stats

pytestmark = pytest.mark.kernel


async def says(bench: Bench, script: str, **changes: object) -> str:
    """Run a shell script in a container and return its output."""
    await bench.run("a", ("/bin/sh", "-c", script), **changes)
    await bench.runtime.wait("a")
    log = bench.logs / "a.log"
    told = ""
    for line in log.read_text().splitlines():
        _, _, flag, text = line.split(" ", 3)
        told += text if flag == "P" else f"{text}\n"
    log.unlink()
    await bench.runtime.remove("a")
    return told.rstrip("\n")


@pytest.mark.parametrize(
    ("user", "told"),
    [
        ("", "0:0 /root"),
        ("web", "1000:1000 /tmp"),
        ("65534", "65534:65534 /"),
        ("4242", "4242:0 /"),
        ("4242:web", "4242:1000 /"),
        ("web:0", "1000:0 /tmp"),
    ],
)
async def test_user_is_looked_up_in_the_image(bench: Bench, user: str, told: str) -> None:
    assert await says(bench, 'echo "$(id -u):$(id -g) $HOME"', user=user) == told


async def test_unknown_user_is_refused_and_leaves_nothing(bench: Bench) -> None:
    with pytest.raises(RuntimeFailed, match="unable to find user nobody-knows: no matching entries in passwd file"):
        await bench.run("a", FOREVER, user="nobody-knows")
    assert await bench.runtime.existing() == []


async def test_working_directory_is_made(bench: Bench) -> None:
    assert await says(bench, "pwd", working_directory="/srv/app") == "/srv/app"


async def test_environment_is_what_was_asked_for(bench: Bench) -> None:
    told = await says(bench, 'echo "$GREETING|$PATH|$HOSTNAME"', environment={"GREETING": "a b"}, hostname="box")
    assert told == "a b|/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin|box"


async def test_read_only_root(bench: Bench) -> None:
    told = await says(
        bench, "touch /x 2>&1; touch /scratch/y && echo wrote", read_only_root=True, mounts=(Mount("/scratch"),)
    )
    assert told == "touch: /x: Read-only file system\nwrote"


async def test_mounts(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("127.0.0.1 me\n")
    (tmp_path / "data").mkdir()
    told = await says(
        bench,
        "exec 2>&1; cat /etc/hosts; echo x > /etc/hosts; echo kept > /data/inner/file; grep ' /tmp ' /proc/mounts",
        mounts=(
            Mount("/data/inner", tmp_path / "data"),
            Mount("/etc/hosts", tmp_path / "hosts", read_only=True),
            Mount("/tmp", options=("size=1m", "exec")),
        ),
    )
    lines = told.splitlines()
    assert lines[0] == "127.0.0.1 me"
    assert "Read-only file system" in lines[1]
    options = lines[-1].split()[3].split(",")
    assert {"size=1024k", "nosuid", "nodev"} <= set(options)
    assert "noexec" not in options
    assert (tmp_path / "data" / "file").read_text() == "kept\n"


async def test_links_of_the_image_do_not_lead_out_of_it(bench: Bench, tmp_path: Path) -> None:
    evil = tmp_path / "layer"
    (evil / "etc").mkdir(parents=True)
    (evil / "etc" / "passwd").symlink_to("/etc/shadow-of-the-host")
    (evil / "etc" / "group").symlink_to(f"{'../' * 30}etc/group")
    image = replace(bench.image, layers=(evil, *bench.image.layers))
    with pytest.raises(RuntimeFailed, match="unable to find group adm:"):  # the machine has it, the image has not
        await bench.run("a", FOREVER, image=image, user="0:adm")


async def test_many_layers(bench: Bench, tmp_path: Path) -> None:
    layers = []
    for number in range(120):
        layer = tmp_path / f"a-directory-name-as-long-as-those-in-a-real-image-store-{number:060d}"
        layer.mkdir()
        (layer / "number").write_text(f"{number}\n")
        layers.append(layer)
    image = replace(bench.image, layers=(*layers, *bench.image.layers))
    assert await says(bench, "cat /number", image=image) == "0"
    assert await says(bench, "cat /number", image=image) == "0"


async def test_ulimits(bench: Bench) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    told = await says(bench, "ulimit -Sn; ulimit -Hn", rlimits=(Rlimit("nofile", 100, hard),))
    assert told == f"100\n{hard}"


async def test_ulimit_beyond_the_machine(bench: Bench) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if "SYS_RESOURCE" in machine.allowed_capabilities():
        pytest.skip("this machine lets root raise any limit")
    with pytest.raises(RuntimeFailed, match=f"is above {hard}, the most this machine allows"):
        await bench.run("a", FOREVER, rlimits=(Rlimit("nofile", hard, hard + 1),))
    told = await says(bench, "ulimit -n", rlimits=(Rlimit("nofile", hard + 1, hard + 1, lower=True),))
    assert told == str(hard)


async def test_capabilities(bench: Bench) -> None:
    default = await says(bench, "grep CapEff /proc/self/status")
    assert int(default.split()[1], 16) == 0xA80425FB  # Docker's
    dropped = await says(bench, "chown 1 /tmp 2>&1", capabilities_drop=("CHOWN",))
    assert dropped == "chown: /tmp: Operation not permitted"
    added = await says(
        bench, "grep CapEff /proc/self/status", capabilities_add=("SYS_PTRACE",), capabilities_drop=("ALL",)
    )
    assert int(added.split()[1], 16) == 1 << 19
    user = await says(bench, "grep -E 'CapEff|CapBnd' /proc/self/status", user="web")
    assert [int(line.split()[1], 16) for line in user.splitlines()] == [0, 0xA80425FB]


async def test_sysctl(bench: Bench) -> None:
    told = await says(bench, "cat /proc/sys/net/core/somaxconn", sysctls={"net.core.somaxconn": "77"})
    assert told == "77"


async def test_process_is_confined(bench: Bench) -> None:
    told = await says(
        bench,
        "exec 2>&1; mount -t tmpfs x /tmp; echo x > /proc/sys/kernel/domainname;"
        " mknod /dev/sda b 8 0 && cat /dev/sda; ls /proc | grep -c '^[0-9]'; cat /proc/self/oom_score_adj",
    )
    lines = told.splitlines()
    assert "mount: permission denied (are you root?)" in lines[0]
    assert "Read-only file system" in told
    assert any("Operation not permitted" in line for line in lines)  # the device list of its cgroup
    assert int(lines[-2]) <= 5
    assert lines[-1] == Path("/proc/self/oom_score_adj").read_text().strip()


async def test_shared_pid_namespace(bench: Bench) -> None:
    await bench.run("first", FOREVER)
    told = await says(bench, "ps | grep -c '[s]leep 1000'", pid_namespace_of="first")
    assert told == "1"


async def test_children_in_a_shared_pid_namespace_end_with_their_container(bench: Bench) -> None:
    await bench.run("first", FOREVER)
    await bench.run("a", ("/bin/sh", "-c", "sleep 555 & exit 4"), pid_namespace_of="first")
    assert (await bench.runtime.wait("a")).code == 4
    seen = await bench.runtime.execute("first", ("/bin/ps",), 60)
    assert "sleep 555" not in seen.output
    assert "sleep 1000" in seen.output


async def test_pid_namespace_of_an_ended_container_is_refused(bench: Bench) -> None:
    await bench.run("first", ("/bin/true",))
    await bench.runtime.wait("first")
    with pytest.raises(RuntimeFailed, match="whose PID namespace is to be shared, is not running"):
        await bench.run("a", FOREVER, pid_namespace_of="first")


async def test_terminal(bench: Bench) -> None:
    assert await says(bench, "test -t 0 && test -t 1 && echo tty; echo $TERM", tty=True) == "tty\nxterm"


async def test_standard_input(bench: Bench) -> None:
    assert await says(bench, "read x; echo got $?") == "got 1"  # nothing there: end of file
    await bench.run("b", ("/bin/sh", "-c", "read x"), open_stdin=True)
    assert (await bench.runtime.execute("b", ("/bin/true",), 60)).code == 0  # it still waits for input


async def test_missing_program_is_named(bench: Bench) -> None:
    with pytest.raises(RuntimeFailed, match="nonesuch"):
        await bench.run("a", ("nonesuch",))
    assert await bench.runtime.existing() == []


async def test_init_or_a_clear_refusal(bench: Bench) -> None:
    try:
        machine.get_init()
    except RuntimeFailed:
        with pytest.raises(RuntimeFailed, match="catatonit"):
            await bench.run("a", FOREVER, init=True)
    else:
        assert await says(bench, "echo $$", init=True) != "1"


async def test_restart_keeps_the_files(bench: Bench) -> None:
    await bench.run("a", ("/bin/sh", "-c", "echo x >> /count; exit $(wc -l < /count)"))
    codes = [(await bench.runtime.wait("a")).code]
    for _ in range(3):
        await bench.runtime.start("a")
        codes.append((await bench.runtime.wait("a")).code)
    assert codes == [1, 2, 3, 4]


async def test_out_of_memory_under_the_containers_own_limit(bench: Bench) -> None:
    await bench.run("a", ("/bin/sh", "-c", "x=x; while :; do x=$x$x; done"), limits=Limits(memory_bytes=16 << 20))
    ended = await bench.runtime.wait("a")
    assert (ended.code, ended.out_of_memory) == (137, True)
    assert (await bench.reborn().wait("a")).out_of_memory


async def test_out_of_memory_of_the_task_is_the_guilty_containers(bench: Bench) -> None:
    await bench.runtime.ensure_group("task", Limits(memory_bytes=32 << 20))
    await bench.runtime.create(bench.spec("good", FOREVER))
    await bench.runtime.create(bench.spec("bad", ("/bin/sh", "-c", "x=x; while :; do x=$x$x; done")))
    await bench.runtime.start("good")
    await bench.runtime.start("bad")
    bad = await bench.runtime.wait("bad")
    await bench.runtime.signal("good", "SIGKILL")
    good = await bench.runtime.wait("good")
    assert (bad.code, bad.out_of_memory) == (137, True)
    assert (good.code, good.out_of_memory) == (137, False)


async def test_restart_after_out_of_memory_starts_counting_anew(bench: Bench) -> None:
    script = "test -e /once && exit 0; touch /once; x=x; while :; do x=$x$x; done"
    await bench.run("a", ("/bin/sh", "-c", script), limits=Limits(memory_bytes=16 << 20))
    assert (await bench.runtime.wait("a")).out_of_memory
    await bench.runtime.start("a")
    ended = await bench.runtime.wait("a")
    assert (ended.code, ended.out_of_memory) == (0, False)


async def test_limits_of_a_group_can_change(bench: Bench) -> None:
    for memory in (64, 32, 128, None):
        limits = Limits(memory_bytes=memory << 20 if memory else None, cpu_quota=0.5, pids=50)
        await bench.runtime.ensure_group("task", limits)
        await bench.runtime.create(bench.spec("a", FOREVER))
        await bench.runtime.start("a")
        stats = await bench.runtime.stats("a")
        assert stats.memory_limit_bytes == (memory << 20 if memory else stats.memory_limit_bytes)
        await bench.runtime.remove("a")
    assert stats.memory_limit_bytes > 128 << 20


async def test_stats(bench: Bench) -> None:
    await bench.run(
        "a", ("/bin/sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; touch /done; sleep 1000 & sleep 1000")
    )

    async def busy() -> Stats:
        while (await bench.runtime.execute("a", ("/bin/test", "-e", "/done"), 60)).code:
            pass
        return await bench.runtime.stats("a")

    stats = await asyncio.wait_for(busy(), 60)
    assert stats.cpu_nanoseconds > 1_000_000
    assert 0 < stats.memory_bytes <= stats.memory_peak_bytes
    assert 1 <= stats.pids <= 3


async def test_an_end_is_never_before_its_start(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends are times of files, whose clock lags behind: on a machine that loses ticks, by more than a short life."""
    exact = time.time
    monkeypatch.setattr(time, "time", lambda: exact() + 60)
    running = await bench.run("a", ("/bin/true",))
    assert (await bench.runtime.wait("a")).finished_at >= running.started_at - 1e-6


async def test_twenty_at_once(bench: Bench) -> None:
    await bench.runtime.ensure_group("task", Limits())
    names = [f"c{number}" for number in range(20)]

    async def one(name: str, code: int) -> int | None:
        await bench.runtime.create(bench.spec(name, ("/bin/sh", "-c", f"exit {code}")))
        await bench.runtime.start(name)
        return (await bench.runtime.wait(name)).code

    assert await asyncio.gather(*(one(name, code) for code, name in enumerate(names))) == list(range(20))
    await asyncio.gather(*(bench.runtime.remove(name) for name in names))
    assert await bench.runtime.existing() == []


async def test_destroy_leaves_no_trace(bench: Bench, cgroup_root: str, tmp_path: Path) -> None:
    assert isinstance(bench.runtime, OciRuntime)
    for number in range(3):
        await bench.run(f"c{number}", FOREVER)
    before = Path("/proc/self/mountinfo").read_text()
    assert str(tmp_path) not in before  # not even while they run
    cgroup = next(Path("/sys/fs/cgroup").glob(f"pids/{cgroup_root}"))
    pids = members(cgroup)
    assert len(pids) == 3
    await bench.runtime.destroy()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not list(Path("/sys/fs/cgroup").glob(f"*/{cgroup_root}"))
    assert not any((tmp_path / name / "containers" / f"c{n}").exists() for name in ("state", "run") for n in range(3))
    assert command_lines(str(tmp_path)) == []


async def test_outer_group_bounds_what_is_in_an_inner_one(bench: Bench):
    await bench.runtime.ensure_group("host", Limits(cpu_quota=0.5, memory_bytes=32 << 20))
    await bench.runtime.ensure_group("host/task", Limits(cpu_quota=2.0, memory_bytes=256 << 20))
    await bench.runtime.create(bench.spec("a", FOREVER, group="host/task"))
    await bench.runtime.start("a")
    assert (await bench.runtime.stats("a")).memory_limit_bytes == 32 << 20
    greedy = ("/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1")
    await bench.runtime.create(bench.spec("b", greedy, group="host/task"))
    await bench.runtime.start("b")
    assert (await bench.runtime.wait("b")).code == 137
    await bench.runtime.remove_group("host")
    assert (await bench.runtime.wait("a")).code == 137
