"""A machine in a few lines: it carries out plans, lets containers end, and can lose everything we hold in memory."""

from dataclasses import dataclass

from hypothesis import strategies as st
from msgspec.structs import replace

from homeport.node.tasks.advance import advance
from homeport.node.tasks.model import (
    Action,
    Allocated,
    Claim,
    Cleaned,
    ContainerFailed,
    Created,
    Drained,
    Dropped,
    Exited,
    HealthChecked,
    HostLost,
    HostReady,
    HostStage,
    NetworkMade,
    Passed,
    Prepared,
    Pulled,
    Released,
    Removed,
    Signalled,
    Started,
    Starting,
    TaskState,
    Verb,
    new_state,
)
from homeport.node.tasks.networks import sandboxes
from homeport.node.tasks.plan import plan
from homeport.node.tasks.recover import recover
from homeport.runtime.protocol import Existing, Exit, Running
from homeport.wire.messages import Binding, Container, Dependency, HealthCheck, NetworkMode, RestartPolicy, Task


@dataclass
class Real:
    """A container as it is, whatever anybody believes of it."""

    state: Running | Exit | None = None
    starts: int = 0
    healthy: bool = False
    healthy_since_start: bool = False


@dataclass
class Script:
    """How a container behaves."""

    code: int = 0
    lifetime: float | None = None  # until it ends by itself; None runs until it is told to end
    deaf: bool = False  # to its stop signal
    fails: str = ""  # the verb that fails: allocate (in bridge mode), pull, create, start
    becomes_healthy: bool = True


class Machine:
    def __init__(self, spec: Task, scripts: dict[str, Script]) -> None:
        self.spec = spec
        self.scripts = scripts
        self.state: TaskState = new_state(tuple(c.name for c in spec.containers))
        self.real: dict[str, Real] = {}
        self.now = 1000.0
        self.performed: list[Action] = []
        self.group = False
        self.choices = 0
        self.sandboxes: set[str] = set()
        self.host = HostStage.READY
        self.look()

    # --- What must hold, judged by what is real

    def check_start(self, name: str) -> None:
        container = next(c for c in self.spec.containers if c.name == name)
        assert self.state.stop is None, f"{name} is started though the task stops"
        assert self.group, f"{name} is started without its cgroup"
        assert self.host is HostStage.READY or not self.spec.instance, f"{name} is started on no instance"
        if self.real[name].starts:
            policy = container.restart_policy
            ended = self.real[name].state
            assert policy is not None, f"{name} is started twice"
            assert isinstance(ended, Exit), f"{name} is started while it runs"
            assert ended.code not in policy.ignored_exit_codes
            return
        for linked in container.links:
            assert isinstance(self.real[linked].state, Running), f"{name} is started before {linked}, its link"
        for needed in container.depends_on:
            other = self.real.get(needed.container, Real())
            match needed.condition:
                case "START":
                    assert other.starts, f"{name} is started before {needed.container}"
                case "COMPLETE":
                    assert isinstance(other.state, Exit)
                case "SUCCESS":
                    assert isinstance(other.state, Exit)
                    assert other.state.code == 0
                case "HEALTHY":
                    assert other.healthy_since_start, f"{name} is started before {needed.container} was healthy"

    def check_sandbox(self, name: str) -> None:
        container = next(c for c in self.spec.containers if c.name == name)
        if self.spec.network_mode in (NetworkMode.BRIDGE, NetworkMode.NONE):
            assert container.runtime_id in self.sandboxes, f"{name} is made before its namespace"

    def check_stop(self, name: str) -> None:
        if self.state.host is HostStage.LOST:
            return  # a host that dies asks nobody
        for other in self.spec.containers:
            if any(d.container == name for d in other.depends_on):
                real = self.real.get(other.name, Real())
                assert not isinstance(real.state, Running), f"{name} is stopped before {other.name}"

    # --- Carrying out

    def actions(self) -> tuple[Action, ...]:
        return plan(self.spec, self.state, self.now).actions

    def take(self, *events) -> None:
        for event in events:
            self.state = advance(self.spec, self.state, event, self.now)

    def perform(self, action: Action, *, told: bool = True, stop_meanwhile: bool = False) -> None:
        """Carry out *action*; with *told* false the machine changes and we never learn of it."""
        if action.verb is Verb.START:
            self.take(Starting(action.container))
        events = self._perform(action)
        if stop_meanwhile:
            self.stop()
            untouched = {Action(verb, action.container) for verb in (Verb.REMOVE, Verb.STOP)}
            assert action.verb is not Verb.START or not untouched & set(self.actions())
        self.performed.append(action)
        if told:
            self.take(*events)

    def _perform(self, action: Action):
        name = action.container
        script = self.scripts.get(name, Script())
        match action.verb:
            case Verb.ALLOCATE:
                assert self.spec.network_mode is NetworkMode.BRIDGE
                assert not self.sandboxes, "what exists keeps its claims"
                self.choices += 1  # each time others, so that a second choice would show
                return self._allocate()
            case Verb.MAKE_NETWORK:
                wanted = {sandbox.id for sandbox in sandboxes(self.spec, self.state)}
                self.sandboxes |= wanted
                return (NetworkMade(),)
            case Verb.PREPARE:
                self.group = True
                return (Prepared(),)
            case Verb.PULL:
                if script.fails == "pull":
                    return (ContainerFailed(name, "CannotPullContainerError: no", ends_task=True),)
                return (Pulled(name, "i", "sha256:1", "SIGTERM"),)
            case Verb.CREATE:
                assert self.group
                self.check_sandbox(name)
                if script.fails == "create":
                    return (ContainerFailed(name, "CannotCreateContainerError: no"),)
                self.real[name] = Real()
                return (Created(name),)
            case Verb.START:
                self.check_start(name)
                if script.fails == "start":
                    return (ContainerFailed(name, "CannotStartContainerError: no"),)
                real = self.real[name]
                real.state, real.healthy_since_start = Running(1, self.now), False
                real.starts += 1
                return (Started(name, self.now),)
            case Verb.WATCH:
                state = self.real[name].state
                return (Exited(name, state.code, state.finished_at),) if isinstance(state, Exit) else ()
            case Verb.CHECK_HEALTH:
                self.real[name].healthy_since_start |= script.becomes_healthy
                return (HealthChecked(name, 0 if script.becomes_healthy else 1),)
            case Verb.STOP:
                assert self.state.host is not HostStage.LOST, "a host that dies asks nobody"
                self.check_stop(name)
                if not script.deaf and isinstance(self.real[name].state, Running):
                    self.real[name].state = Exit(143, False, self.now)
                return (Signalled(name),)
            case Verb.KILL:
                self.check_stop(name)
                if isinstance(self.real[name].state, Running):
                    self.real[name].state = Exit(137, False, self.now)
                return (Signalled(name, killed=True),)
            case Verb.REMOVE:
                assert not isinstance(self.real.get(name, Real()).state, Running), (
                    "what runs is stopped before it is removed"
                )
                self.real.pop(name, None)
                return (Removed(name),)
            case Verb.DRAIN:
                return (Drained(),)
            case Verb.CLEAN:
                assert not self.real, "the cgroup goes last"
                self.group = False
                self.sandboxes -= {sandbox.id for sandbox in sandboxes(self.spec, self.state)}
                return (Cleaned(),)
            case Verb.RELEASE:
                assert not self.group
                return (Released(),)
        raise AssertionError(action)

    def _allocate(self):
        claims = {
            container.name: Claim(
                f"172.17.{self.choices}.{number}",
                (Binding(container_port=80, host_port=1000 * self.choices + number),),
            )
            for number, container in enumerate(self.spec.containers)
            if not container.network_disabled and self.scripts[container.name].fails != "allocate"
        }
        failed = (name for name, script in self.scripts.items() if script.fails == "allocate")
        return (Allocated(claims), *(ContainerFailed(name, "HostConfigError: no") for name in failed))

    def claims(self) -> dict[str, tuple[str, tuple[Binding, ...]]]:
        return {name: (own.address, own.bindings) for name, own in self.state.containers.items() if own.address}

    # --- What happens by itself

    def look(self) -> None:
        """Have the task see what its instance is like, as the roster does whenever that may have changed."""
        if not self.spec.instance:
            return
        if self.host is HostStage.LOST and not self.state.cleaned:
            self.take(HostLost())
        elif self.host is HostStage.READY and self.state.host is HostStage.PENDING:
            self.take(HostReady())

    def lose_host(self) -> None:
        self.host = HostStage.LOST
        self.look()

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for name, real in self.real.items():
            lifetime = self.scripts.get(name, Script()).lifetime
            if (
                isinstance(real.state, Running)
                and lifetime is not None
                and self.now >= real.state.started_at + lifetime
            ):
                real.state = Exit(self.scripts[name].code, False, real.state.started_at + lifetime)
        self.take(Passed())

    def crash(self) -> None:
        """Go on from what was written and what exists, as the agent does after kill -9."""
        found = {name: Existing(name, self.spec.id, real.state) for name, real in self.real.items()}
        result = recover(self.state, found, self.now)
        for name in result.remove:
            self.real.pop(name, None)
        self.state = result.state
        self.take(*result.events, Passed())
        self.look()

    def wake_at(self) -> float | None:
        return plan(self.spec, self.state, self.now).wake_at

    def step(self, *, told: bool = True) -> bool:
        """Carry out the first action that changes anything; says whether there was one."""
        for action in self.actions():
            if action.verb is Verb.WATCH and not isinstance(self.real[action.container].state, Exit):
                continue
            self.perform(action, told=told)
            return True
        return False

    def settle(self, limit: int = 500) -> None:
        """Carry out everything until only time or containers can change something."""
        for _ in range(limit):
            if not self.step():
                return
        raise AssertionError("the plan never comes to rest")

    def live(self, seconds: float) -> None:
        """Let time pass from one thing to the next."""
        end = self.now + seconds
        for _ in range(2000):
            self.settle()
            ends = [
                real.state.started_at + lifetime
                for name, real in self.real.items()
                if isinstance(real.state, Running) and (lifetime := self.scripts[name].lifetime) is not None
            ]
            times = [t for t in (*ends, self.wake_at()) if t is not None and t <= end]
            if not times:
                break
            self.pass_time(max(0.0, min(times) - self.now))
        else:
            raise AssertionError("time does not pass")
        self.pass_time(max(0.0, end - self.now))
        self.settle()

    def stop(self) -> None:
        self.spec = replace(self.spec, stop=True)
        self.take(Passed())

    def drop(self) -> None:
        self.take(Dropped())

    def summary(self):
        """Return what the world is told in the end, times left out."""
        stop = self.state.stop
        return (
            stop and (stop.cause, stop.reason),
            {name: (c.stage, c.exit_code, c.reason) for name, c in self.state.containers.items()},
        )


@st.composite
def tasks(draw: st.DrawFn) -> tuple[Task, dict[str, Script]]:
    """Return a task whose dependencies have no circle, in any network mode, and how its containers behave."""
    instance = draw(st.sampled_from(("", "i-1")))
    mode = draw(st.sampled_from(NetworkMode)) if instance else NetworkMode.AWSVPC
    names = [f"c{number}" for number in range(draw(st.integers(1, 4)))]
    containers, scripts = [], {}
    for number, name in enumerate(names):
        needs = tuple(
            Dependency(container=other, condition=draw(st.sampled_from(("START", "COMPLETE", "SUCCESS", "HEALTHY"))))
            for other in names[:number]
            if draw(st.booleans())
        )
        links = tuple(other for other in names[:number] if mode is NetworkMode.BRIDGE and draw(st.booleans()))
        restart = draw(st.none() | st.just(RestartPolicy(ignored_exit_codes=(0,), period=60)))
        containers.append(
            Container(
                name=name,
                arn=name,
                runtime_id=name,
                endpoint_id=name,
                image="i",
                essential=number == len(names) - 1 or draw(st.integers(0, 3)) == 3,
                depends_on=needs,
                links=links,
                network_disabled=mode is not NetworkMode.AWSVPC and draw(st.integers(0, 4)) == 4,
                start_timeout=draw(st.sampled_from((0, 15))),
                stop_timeout=draw(st.sampled_from((2, 30))),
                health_check=HealthCheck(command=("CMD", "x"), interval=5, retries=1),
                restart_policy=restart,
            )
        )
        scripts[name] = Script(
            code=draw(st.sampled_from((0, 1))),
            lifetime=draw(st.sampled_from((3.0, 70.0, None))),
            deaf=draw(st.booleans()),
            becomes_healthy=draw(st.integers(0, 3)) > 0,
        )
    if draw(st.integers(0, 5)) == 5:  # most tasks must get beyond their start
        scripts[draw(st.sampled_from(names))].fails = draw(st.sampled_from(("pull", "create", "start", "allocate")))
    shared = draw(st.sampled_from(("", "", "task")))
    spec = Task(
        pid_mode=shared,
        id="t",
        arn="t",
        cluster_arn="c",
        family="f",
        revision=1,
        eni="e" if mode is NetworkMode.AWSVPC else "",
        network_mode=mode,
        instance=instance,
        containers=tuple(containers),
    )
    return spec, scripts
