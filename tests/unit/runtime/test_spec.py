"""The OCI configuration follows from what was asked for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from homeport.runtime.fake import fake_image
from homeport.runtime.protocol import Mount, RuntimeFailed, Spec
from homeport.runtime.spec import CAPABILITIES, DEFAULT_CAPABILITIES, Surroundings, oci_config, plan_capabilities
from homeport.runtime.users import User

ALL = frozenset(CAPABILITIES)
SPEC = Spec(
    id="a",
    group="task",
    image=fake_image(),
    argv=("serve",),
    environment={},
    network_namespace=Path("/run/netns/x"),
    log_path=Path("/log"),
)
AROUND = Surroundings(root=Path("/root-of-it"), network_namespace="/proc/1/fd/9")


def config(user: User | None = None, around: Surroundings = AROUND, **changes: Any) -> dict[str, Any]:
    return oci_config(replace(SPEC, **changes), user or User(), ("CAP_KILL",), [], around)


def targets(made: dict[str, Any]) -> list[str]:
    return [mount["destination"] for mount in made["mounts"]]


def test_default_capabilities_are_dockers() -> None:
    assert plan_capabilities((), (), ALL) == tuple(f"CAP_{n}" for n in CAPABILITIES if n in DEFAULT_CAPABILITIES)


@pytest.mark.parametrize(
    ("add", "drop", "expected"),
    [
        (("SYS_PTRACE",), ("ALL",), {"SYS_PTRACE"}),
        (("ALL",), ("SYS_ADMIN",), ALL - {"SYS_ADMIN"}),
        ((), ("ALL",), set()),
        (("cap_sys_time",), (), {*DEFAULT_CAPABILITIES, "SYS_TIME"}),
        ((), ("CHOWN", "KILL"), set(DEFAULT_CAPABILITIES) - {"CHOWN", "KILL"}),
    ],
)
def test_capabilities_are_added_and_dropped(add: tuple[str, ...], drop: tuple[str, ...], expected: set[str]) -> None:
    assert set(plan_capabilities(add, drop, ALL)) == {f"CAP_{name}" for name in expected}


def test_what_the_machine_cannot_give_is_refused_by_name_only() -> None:
    less = ALL - {"SYS_RESOURCE", "MKNOD"}
    with pytest.raises(RuntimeFailed, match="cannot give the capability SYS_RESOURCE"):
        plan_capabilities(("SYS_RESOURCE",), (), less)
    assert "CAP_MKNOD" not in plan_capabilities((), (), less)
    assert len(plan_capabilities(("ALL",), (), less)) == len(less)
    with pytest.raises(RuntimeFailed, match="unknown capability FLY"):
        plan_capabilities(("FLY",), (), ALL)


def test_only_root_holds_capabilities_at_once() -> None:
    assert config()["process"]["capabilities"]["effective"] == ["CAP_KILL"]
    made = config(User(uid=5))["process"]["capabilities"]
    assert (made["effective"], made["permitted"], made["bounding"]) == ([], [], ["CAP_KILL"])


def test_environment_of_the_container_wins() -> None:
    made = config(User(home="/home/me"), hostname="h", environment={"HOME": "/mine"})["process"]["env"]
    assert "HOME=/mine" in made
    assert "HOSTNAME=h" in made
    assert len([entry for entry in made if entry.startswith("HOME=")]) == 1


def test_own_mounts_come_after_and_replace_the_default_ones() -> None:
    mounts = (Mount("/a/b/c"), Mount("/dev/shm", options=("size=1g",)), Mount("/a", Path("/src")))
    made = targets(config(mounts=mounts))
    assert made.count("/dev/shm") == 1
    assert made[-3:] == ["/a", "/dev/shm", "/a/b/c"]


@pytest.mark.parametrize("target", ["relative", "/", "//", "/../.."])
def test_senseless_mount_targets_are_refused(target: str) -> None:
    with pytest.raises(RuntimeFailed, match="invalid mount path"):
        config(mounts=(Mount(target),))


def test_runtime_annotations_are_ours() -> None:
    with pytest.raises(RuntimeFailed, match=r"run\.oci\.hooks\.stdout"):
        config(annotations={"run.oci.hooks.stdout": "/etc/passwd"})


def test_namespaces() -> None:
    made = config(around=replace(AROUND, pid_namespace="/proc/7/ns/pid", cgroup_namespace=True))
    kinds = {namespace["type"]: namespace.get("path") for namespace in made["linux"]["namespaces"]}
    assert kinds["pid"] == "/proc/7/ns/pid"
    assert kinds["network"] == "/proc/1/fd/9"
    assert set(kinds) == {"pid", "network", "ipc", "uts", "mount", "cgroup"}


def test_empty_command_is_refused() -> None:
    with pytest.raises(RuntimeFailed, match="no command specified"):
        config(argv=())


def test_init_goes_before_the_command() -> None:
    made = config(init=True, around=replace(AROUND, init=Path("/usr/bin/catatonit")))
    assert made["process"]["args"] == ["/dev/init", "--", "serve"]
    assert targets(made)[-1] == "/dev/init"
