"""
Carry out single actions: each a few calls to the runtime, the network or the image store.

Thin by design: what to do was decided by the planner, and what a result means is decided by
`advance`.  Failures that belong to a container come back as events in AWS's words.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from homeport.node.store import TaskRecord
from homeport.node.tasks import container as containers
from homeport.node.tasks import dependencies
from homeport.node.tasks.files import TaskFiles, etc_of_task
from homeport.node.tasks.model import (
    Action,
    Cleaned,
    ContainerFailed,
    Created,
    Drained,
    Event,
    Exited,
    HealthChecked,
    Prepared,
    PrepareFailed,
    PullBegan,
    Pulled,
    Released,
    Removed,
    Signalled,
    Started,
    Starting,
    Verb,
)
from homeport.node.tasks.networks import Networks, TaskNetwork
from homeport.runtime.protocol import Image, ImagePullFailed, Images, ProcessFailed, Runtime, RuntimeFailed
from homeport.wire.messages import Container, Task

_START_SECONDS = 180.0  # the ECS agent's own limits for these calls
_CREATE_SECONDS = 240.0
_PULL_SECONDS = 7200.0
_TIMED_OUT = "ContainerRuntimeTimeoutError: Could not transition to {}; timed out after waiting {}"


class Output(Protocol):
    """Whoever ships the containers' output."""

    def follow(self, source: str, container: Container, path: Path) -> None:
        """Ship what is written to *path*, also what has been written before; may be repeated."""

    def end(self, source: str) -> None:
        """Nothing will be written any more."""

    async def drained(self, sources: tuple[str, ...]) -> None:
        """Return when the server holds everything of *sources*, or after a while without a server."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a task's actions are carried out with."""

    runtime: Runtime
    images: Images
    networks: Networks
    output: Output
    state: Path
    limits: Mapping[str, int]  # the machine's hard resource limits
    processes: int  # that a task may have
    registry_login: Callable[[str], tuple[str, str]]  # image reference -> user name and password, empty if none


def log_source(task: Task, container: Container) -> str:
    """Return the name under which the server knows a container's output."""
    return f"{task.id}/{container.name}"


def named(task: Task, name: str) -> Container:
    """Return the task's container of that name."""
    return next(container for container in task.containers if container.name == name)


class Performer:
    """Carries out one task's actions."""

    def __init__(self, machine: Machine, task: str) -> None:
        self._machine = machine
        self._files = TaskFiles(machine.state, task)
        self._network = TaskNetwork(machine.networks)
        self._images: dict[str, Image] = {}

    def intent(self, action: Action) -> Event | None:
        """Return what must be on record before *action* is begun."""
        match action.verb:
            case Verb.START:
                return Starting(action.container)
            case Verb.PULL:
                return PullBegan()
            case _:
                return None

    def moved(self, record: TaskRecord) -> None:
        """Take new settings of the task's interface."""
        self._network.moved(record)

    def go_on(self, record: TaskRecord) -> None:
        """After a restart of ours, keep what the task has."""
        self._network.go_on(record)

    async def perform(self, action: Action, record: TaskRecord) -> tuple[Event, ...]:
        """Carry out *action* and return what came of it."""
        task = record.spec
        if not action.container:
            return await self._perform_task(action.verb, record)
        container = named(task, action.container)
        match action.verb:
            case Verb.PULL:
                return (await self._pull(task, container),)
            case Verb.CREATE:
                return (await self._create(record, container),)
            case Verb.START:
                return (await self._start(container),)
            case Verb.WATCH:
                ended = await self._machine.runtime.wait(container.runtime_id)
                return (Exited(container.name, ended.code, ended.finished_at, out_of_memory=ended.out_of_memory),)
            case Verb.CHECK_HEALTH:
                return (await self._check_health(container),)
            case Verb.STOP:
                signal = record.state.containers[container.name].stop_signal
                await self._machine.runtime.signal(container.runtime_id, signal)
                return (Signalled(container.name),)
            case Verb.KILL:
                limits = containers.dying_limits(task, self._machine.processes)
                await self._machine.runtime.ensure_group(containers.group_name(task), limits)
                await self._machine.runtime.signal(container.runtime_id, "SIGKILL")
                return (Signalled(container.name, killed=True),)
            case Verb.REMOVE:
                await self._machine.runtime.remove(container.runtime_id)
                self._machine.output.end(log_source(task, container))
                return (Removed(container.name),)
        raise AssertionError(f"{action.verb} is not a container's")

    async def _perform_task(self, verb: Verb, record: TaskRecord) -> tuple[Event, ...]:
        task = record.spec
        match verb:
            case Verb.ALLOCATE:
                return self._network.allocate(record)
            case Verb.MAKE_NETWORK:
                return (await self._network.make(record),)
            case Verb.PREPARE:
                return (await self._prepare(record),)
            case Verb.DRAIN:
                await self._machine.output.drained(tuple(log_source(task, c) for c in task.containers))
                return (Drained(),)
            case Verb.CLEAN:
                await self._machine.runtime.remove_group(containers.group_name(task))
                await self._network.leave_instance(record)
                return (Cleaned(),)
            case Verb.RELEASE:
                await self._network.release(record)
                await asyncio.to_thread(self._files.remove)  # volumes may hold any amount of files
                return (Released(),)
        raise AssertionError(f"{verb} is not a task's")

    async def _prepare(self, record: TaskRecord) -> Event:
        task, processes = record.spec, self._machine.processes
        try:
            self._files.prepare(task)
            if record.eni is not None and record.vpc is not None:  # else the network's failure ends the task
                self._files.write(etc_of_task(record.eni, record.vpc, containers.hostname(record.eni)))
            await self._machine.runtime.ensure_group(
                containers.group_name(task), containers.group_limits(task, processes)
            )
        except (OSError, RuntimeFailed) as error:
            return PrepareFailed(f"ResourceInitializationError: {error}")
        return Prepared()

    async def _pull(self, task: Task, container: Container) -> Event:
        """
        Have the image here: what names a registry is asked for there, so that a moved tag is seen.

        As the ECS agent does by default, an image that is here already serves when the registry does not.  An
        instance's agent may be told to do otherwise.
        """
        behaviour = self._network.agent(task).get("ECS_IMAGE_PULL_BEHAVIOR", "")
        ask = _names_registry(container.image) and behaviour not in ("once", "prefer-cached")
        try:
            image = None if ask else await self._machine.images.find(container.image)
            if image is None:
                image = await self._ask_registry(container.image, or_what_is_here=behaviour != "always")
        except RuntimeFailed as error:  # also what no registry was asked for, as a name that none could have
            return ContainerFailed(container.name, f"CannotPullContainerError: {error}", ends_task=True)
        except TimeoutError:
            reason = "CannotPullContainerError: the pull took longer than 2h0m0s"
            return ContainerFailed(container.name, reason, ends_task=True)
        self._images[container.name] = image
        return Pulled(container.name, image.id, image.digest, image.stop_signal)

    async def _ask_registry(self, reference: str, *, or_what_is_here: bool) -> Image:
        username, password = self._machine.registry_login(reference)
        try:
            async with asyncio.timeout(_PULL_SECONDS):
                return await self._machine.images.pull(reference, username=username, password=password)
        except (ImagePullFailed, TimeoutError):
            image = await self._machine.images.find(reference) if or_what_is_here else None
            if image is None:
                raise
            return image

    async def _create(self, record: TaskRecord, container: Container) -> Event:
        task = record.spec
        if setting := containers.forbidden_sysctl(task, container):
            reason = f"CannotCreateContainerError: sysctl '{setting}' not allowed in host network namespace"
            return ContainerFailed(container.name, reason)
        linked = {link.container: await self._image(task, link.container) for link in dependencies.links(container)}
        around = self._network.surroundings(record, container, linked)
        self._files.write(around.etc, container.name)
        image = self._images[container.name]
        spec = containers.runtime_spec(task, container, image, around.place, self._files, self._machine.limits)
        if container.log is not None:
            self._machine.output.follow(log_source(task, container), container, spec.log_path)
        try:
            async with asyncio.timeout(_CREATE_SECONDS):
                await self._machine.runtime.create(spec)
        except ProcessFailed as error:
            return ContainerFailed(container.name, f"CannotStartContainerError: {error}")
        except RuntimeFailed as error:
            return ContainerFailed(container.name, f"CannotCreateContainerError: {error}")
        except TimeoutError:
            return ContainerFailed(container.name, _TIMED_OUT.format("created", "4m0s"))
        return Created(container.name)

    async def _image(self, task: Task, name: str) -> Image:
        """Return a container's image, which is on this machine: also after a restart of ours."""
        if name not in self._images:
            image = await self._machine.images.find(named(task, name).image)
            if image is None:
                raise RuntimeFailed(f"the image of {name} is no longer here")
            self._images[name] = image
        return self._images[name]

    async def _start(self, container: Container) -> Event:
        try:
            async with asyncio.timeout(_START_SECONDS):
                running = await self._machine.runtime.start(container.runtime_id)
        except RuntimeFailed as error:
            return ContainerFailed(container.name, f"CannotStartContainerError: {error}")
        except TimeoutError:
            return ContainerFailed(container.name, _TIMED_OUT.format("started", "3m0s"))
        return Started(container.name, running.started_at)

    async def _check_health(self, container: Container) -> Event:
        check = container.health_check
        assert check is not None, "only a container with a health check is checked"
        kind, *rest = check.command
        argv = (
            ("/bin/sh", "-c", " ".join(rest))
            if kind == "CMD-SHELL"
            else tuple(rest)
            if kind == "CMD"
            else check.command
        )
        try:
            result = await self._machine.runtime.execute(container.runtime_id, argv, check.timeout)
        except TimeoutError:
            return HealthChecked(container.name, None, f"Health check exceeded timeout ({check.timeout}s)")
        except RuntimeFailed as error:
            return HealthChecked(container.name, None, str(error))
        return HealthChecked(container.name, result.code, result.output)

    def failure(self, task: Task, action: Action, error: Exception) -> tuple[Event, ...]:
        """Return what an unexpected error means for the task; nothing if the action has to be repeated."""
        match action.verb:
            case Verb.ALLOCATE | Verb.MAKE_NETWORK:
                return (self._network.failure(task, error),)
            case Verb.PREPARE:
                return (PrepareFailed(f"ResourceInitializationError: {error}"),)
            case Verb.PULL:
                return (ContainerFailed(action.container, f"CannotPullContainerError: {error}", ends_task=True),)
            case Verb.CREATE:
                return (ContainerFailed(action.container, f"CannotCreateContainerError: {error}"),)
            case Verb.START:
                return (ContainerFailed(action.container, f"CannotStartContainerError: {error}"),)
            case Verb.CHECK_HEALTH:
                return (HealthChecked(action.container, None, str(error)),)
            case _:
                return ()


def _names_registry(reference: str) -> bool:
    """Say whether the registry has to be asked: it is named, and the reference could have come to mean another image."""
    host, slash, _ = reference.partition("/")
    named_host = bool(slash) and ("." in host or ":" in host or host == "localhost")
    return named_host and "@sha256:" not in reference
