"""The registry's process: one, always, however it or the node dies; none after destroy."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from homeport.node.registry import Registry, RegistryFailed

pytestmark = pytest.mark.kernel


def processes(state):
    """The registries that run on a configuration below *state*."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            argv = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"serve" in argv and any(part.startswith(bytes(state)) for part in argv):
            found.append(int(entry.name))
    return found


def eventually(reached):
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline, "it never came about"


def test_a_killed_registry_is_started_again(site):
    (first,) = processes(site.state)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: processes(site.state) not in ([], [first]))
    assert site.loop.run(site.registry.ensure()) == processes(site.state)[0]


def test_another_node_adopts_it(site):
    (first,) = processes(site.state)
    heir = Registry(site.state, site.address)
    site.loop.run(heir.start(site.settings))
    assert processes(site.state) == [first]
    os.kill(first, signal.SIGKILL)  # two watchers see it: still one registry
    eventually(lambda: processes(site.state) not in ([], [first]))
    site.loop.run(site.registry.ensure())
    site.loop.run(heir.ensure())
    assert len(processes(site.state)) == 1
    site.loop.run(heir.stop())


NODE = """
import asyncio, sys
from pathlib import Path
from homeport.node.registry import Registry, RegistrySettings
async def main():
    registry = Registry(Path(sys.argv[1]), sys.argv[2])
    print("starting", flush=True)
    await registry.start(RegistrySettings(*sys.argv[3:6]))
    print("started", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def test_a_node_killed_at_any_moment_leaves_one_registry_or_none(site):
    """Nodes are killed from the very start of starting to after its end; each next one goes on from there."""
    site.loop.run(site.registry.stop())
    settings = site.settings
    command = [sys.executable, "-c", NODE, str(site.state), site.address]
    for delay in (0.0, 0.01, 0.03, 0.06, 0.1, 0.2, None):
        with subprocess.Popen(
            [*command, settings.realm, settings.certificate, settings.password], stdout=subprocess.PIPE
        ) as node:
            assert node.stdout is not None
            assert node.stdout.readline() == b"starting\n"
            if delay is None:
                assert node.stdout.readline() == b"started\n"
            else:
                deadline = time.monotonic() + delay
                while time.monotonic() < deadline:
                    pass
            node.kill()
        assert len(processes(site.state)) <= 1
    (left,) = processes(site.state)
    heir = Registry(site.state, site.address)
    site.loop.run(heir.start(settings))
    assert processes(site.state) == [left]
    site.loop.run(heir.destroy())
    assert processes(site.state) == []


def test_new_settings_replace_the_process(site):
    (first,) = processes(site.state)
    site.loop.run(site.registry.start(replace(site.settings, password="another")))
    (second,) = processes(site.state)
    assert second != first
    assert len(list(site.state.glob("config-*.json"))) == 1
    site.loop.run(site.registry.start(replace(site.settings, password="another")))
    assert processes(site.state) == [second]


def test_a_collection_of_a_dead_node_is_ended(site, tmp_path):
    """It would delete what clients push meanwhile."""
    (config,) = site.state.glob("config-*.json")
    (tmp_path / "garbage-collect").write_text("read forever\n")
    command = ["docker-registry", "garbage-collect", str(config)]
    with subprocess.Popen(command, executable="/bin/sh", cwd=tmp_path, stdin=subprocess.PIPE) as left:
        eventually(lambda: Path(f"/proc/{left.pid}/cmdline").read_bytes().startswith(b"docker-registry\0"))
        site.loop.run(site.registry.ensure())
        assert left.wait(timeout=60) == -signal.SIGTERM
    assert len(processes(site.state)) == 1


def test_its_files_are_the_owners_alone(site):
    assert {path.stat().st_mode & 0o077 for path in site.state.glob("*.json")} == {0}
    assert (site.state / "secret").stat().st_mode & 0o077 == 0


def test_destroy_leaves_nothing(site):
    site.loop.run(site.registry.destroy())
    assert processes(site.state) == []
    assert not site.state.exists()
    site.loop.run(site.registry.destroy())


def test_a_port_that_is_taken_is_reported(site, tmp_path):
    other = Registry(tmp_path / "other", site.address)
    with pytest.raises(RegistryFailed, match="address already in use"):
        site.loop.run(other.start(site.settings))
    site.loop.run(other.destroy())
    assert len(processes(site.state)) == 1


def test_it_is_tried_until_it_runs(site, tmp_path):
    site.loop.run(site.registry.release())
    other = Registry(tmp_path / "other", site.address)
    with pytest.raises(RegistryFailed):
        site.loop.run(other.start(site.settings))
    site.loop.run(site.registry.stop())
    eventually(lambda: processes(tmp_path / "other") and not processes(site.state))
    site.loop.run(other.destroy())
    assert processes(tmp_path / "other") == []


def test_a_released_registry_runs_on(site):
    (first,) = processes(site.state)
    site.loop.run(site.registry.release())
    assert processes(site.state) == [first]
    site.loop.run(site.registry.start(site.settings))
    assert processes(site.state) == [first]


def test_a_missing_program_is_reported(site, tmp_path):
    other = Registry(tmp_path / "other", site.address, program="no-such-registry")
    with pytest.raises(RegistryFailed, match="cannot run no-such-registry"):
        site.loop.run(other.start(site.settings))
    site.loop.run(other.destroy())


def test_it_runs_without_root(site, tmp_path):
    """Nothing it does needs privilege: run as nobody, in a directory of nobody's."""
    folder = tmp_path / "nobody"
    folder.mkdir()
    for parent in (folder, *folder.parents[:4]):
        parent.chmod(0o755)
    os.chown(folder, 65534, 65534)
    site.loop.run(site.registry.stop())

    settings = site.settings
    arguments = [str(folder / "registry"), site.address, settings.realm, settings.certificate, settings.password]
    with subprocess.Popen(
        [sys.executable, "-c", NODE, *arguments], stdout=subprocess.PIPE, user=65534, group=65534, extra_groups=[]
    ) as node:
        assert node.stdout is not None
        assert [node.stdout.readline() for _ in range(2)] == [b"starting\n", b"started\n"]
        node.kill()
    asyncio.run(Registry(folder / "registry", site.address).destroy())
    assert processes(folder) == []
