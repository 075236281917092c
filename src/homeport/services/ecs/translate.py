"""
A task definition and a task, in the words that nodes understand.

Only what was declared crosses: what Fargate adds of its own (its variables, its limit of open files)
gives way to the image's settings in part, and only the node knows the image.
Pure, and the same for the same task: an item that is assigned again differs only where the task does.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from homeport.kit.patterns import InvalidPattern, compile_pattern
from homeport.services.ecs.model.tasks import ContainerLaunch, Desired, Launch, Task
from homeport.services.ecs.overrides import apply
from homeport.services.ecs.validation.ports import parse_range
from homeport.wire import messages as wire

_LABEL = "com.amazonaws.ecs."
_STOP_TIMEOUT = 30
_UNLIMITED = 2**64 - 1


def wire_task(task: Task, launch: Launch, definition: Mapping[str, Any], tags: Mapping[str, str]) -> wire.Task:
    """Return the item that makes a node run *task*."""
    applied = apply(definition, task.overrides)
    parts = {part.name: part for part in launch.containers}
    mounts = _mounts(applied["containerDefinitions"])
    arns = {container.name: container.container_arn for container in task.containers}
    return wire.Task(
        id=task.id,
        arn=task.task_arn,
        cluster_arn=task.cluster_arn,
        family=launch.family,
        revision=launch.revision,
        eni=launch.interface,
        network_mode=wire.NetworkMode(applied.get("networkMode", "bridge")),
        instance=launch.ec2_instance,
        containers=tuple(
            _container(task, launch, container, parts[container["name"]], arns, mounts[container["name"]])
            for container in applied["containerDefinitions"]
        ),
        cpu=int(applied.get("cpu") or 0),
        memory=int(applied.get("memory") or 0),
        launch_type=task.launch_type,
        availability_zone=task.availability_zone,
        region=task.region,
        group=task.group,
        service=launch.service.rpartition("/")[2],
        role=applied.get("taskRoleArn", ""),
        tags=dict(tags),
        pid_mode=applied.get("pidMode", ""),
        volumes=tuple(volume["name"] for volume in applied["volumes"]),
        # What is in flight from its load balancers is finished first.
        stop=task.desired_status is Desired.STOPPED and not launch.leaving,
    )


def _container(
    task: Task,
    launch: Launch,
    container: Mapping[str, Any],
    part: ContainerLaunch,
    arns: Mapping[str, str],
    mounts: tuple[wire.Mount, ...],
) -> wire.Container:
    name = container["name"]
    linux = container.get("linuxParameters") or {}
    capabilities = linux.get("capabilities") or {}
    return wire.Container(
        name=name,
        arn=arns[name],
        runtime_id=part.runtime_id,
        endpoint_id=part.endpoint_id or part.runtime_id,  # on Fargate the metadata path names the runtime id
        image=container["image"],
        essential=part.essential,
        command=_words(container, "command"),
        entry_point=_words(container, "entryPoint"),
        environment={variable["name"]: variable.get("value", "") for variable in container["environment"]},
        working_directory=container.get("workingDirectory", ""),
        user=container.get("user", ""),
        cpu=container["cpu"],
        memory=container.get("memory", 0),
        memory_reservation=container.get("memoryReservation", 0),
        read_only_root=container.get("readonlyRootFilesystem", False),
        init_process=linux.get("initProcessEnabled", False),
        interactive=container.get("interactive", False),
        pseudo_terminal=container.get("pseudoTerminal", False),
        stop_timeout=container.get("stopTimeout", _STOP_TIMEOUT),
        start_timeout=container.get("startTimeout", 0),
        depends_on=tuple(
            wire.Dependency(container=dependency["containerName"], condition=dependency["condition"])
            for dependency in container.get("dependsOn", ())
        ),
        health_check=_health_check(container.get("healthCheck")),
        restart_policy=_restart_policy(container.get("restartPolicy")),
        ulimits=tuple(
            wire.Ulimit(name=limit["name"], soft=_limit(limit["softLimit"]), hard=_limit(limit["hardLimit"]))
            for limit in container.get("ulimits", ())
        ),
        capabilities_add=tuple(capabilities.get("add", ())),
        capabilities_drop=tuple(capabilities.get("drop", ())),
        sysctls={control["namespace"]: control.get("value", "") for control in container["systemControls"]},
        tmpfs=tuple(
            wire.Tmpfs(path=mount["containerPath"], size=mount["size"], options=tuple(mount.get("mountOptions", ())))
            for mount in linux.get("tmpfs", ())
        ),
        mounts=mounts,
        labels=_labels(task, launch, container),
        port_mappings=tuple(_port_mapping(mapping) for mapping in container["portMappings"]),
        log=log_target(container, task.id, part.runtime_id),
        hostname=container.get("hostname", ""),
        links=tuple(container.get("links", ())),
        extra_hosts=tuple((host["hostname"], host["ipAddress"]) for host in container.get("extraHosts", ())),
        dns_servers=tuple(container.get("dnsServers", ())),
        dns_search=tuple(container.get("dnsSearchDomains", ())),
        network_disabled=container.get("disableNetworking", False),
    )


def _port_mapping(mapping: Mapping[str, Any]) -> wire.PortMapping:
    if "containerPortRange" in mapping:
        ports = parse_range(mapping["containerPortRange"])
        return wire.PortMapping(container_port=ports[0], last_port=ports[-1], protocol=mapping["protocol"])
    return wire.PortMapping(
        container_port=mapping["containerPort"], host_port=mapping["hostPort"], protocol=mapping["protocol"]
    )


def _words(container: Mapping[str, Any], member: str) -> tuple[str, ...] | None:
    """Return a list of words, or None for "as the image says": AWS reads an empty list so too."""
    return tuple(container[member]) if container.get(member) else None


def _limit(value: int) -> int:
    """Return a resource limit as the kernel numbers it, where unlimited is the largest."""
    return _UNLIMITED if value == -1 else value


def _labels(task: Task, launch: Launch, container: Mapping[str, Any]) -> dict[str, str]:
    return dict(container.get("dockerLabels", {})) | {
        f"{_LABEL}cluster": task.cluster_arn,
        f"{_LABEL}container-name": container["name"],
        f"{_LABEL}task-arn": task.task_arn,
        f"{_LABEL}task-definition-family": launch.family,
        f"{_LABEL}task-definition-version": str(launch.revision),
    }


def _health_check(check: Mapping[str, Any] | None) -> wire.HealthCheck | None:
    if not has_health_check(check):
        return None
    assert check is not None
    defaults = wire.HealthCheck(command=())
    return wire.HealthCheck(
        command=tuple(check["command"]),
        interval=check.get("interval", defaults.interval),
        timeout=check.get("timeout", defaults.timeout),
        retries=check.get("retries", defaults.retries),
        start_period=check.get("startPeriod", defaults.start_period),
    )


def has_health_check(check: Mapping[str, Any] | None) -> bool:
    return check is not None and check["command"][0] != "NONE"


def _restart_policy(policy: Mapping[str, Any] | None) -> wire.RestartPolicy | None:
    if policy is None or not policy["enabled"]:
        return None
    return wire.RestartPolicy(
        ignored_exit_codes=tuple(policy.get("ignoredExitCodes", ())), period=policy.get("restartAttemptPeriod", 300)
    )


def _mounts(containers: Sequence[Mapping[str, Any]]) -> dict[str, tuple[wire.Mount, ...]]:
    """Return each container's mounts: its own, and those of the containers it takes volumes from."""
    own = {
        container["name"]: tuple(
            wire.Mount(
                volume=mount["sourceVolume"], path=mount["containerPath"], read_only=mount.get("readOnly", False)
            )
            for mount in container["mountPoints"]
        )
        for container in containers
    }
    sources = {container["name"]: container["volumesFrom"] for container in containers}

    def collect(name: str) -> dict[str, wire.Mount]:
        # Registration has refused circles, so this ends.
        found: dict[str, wire.Mount] = {}
        for source in sources[name]:
            for path, mount in collect(source["sourceContainer"]).items():
                read_only = mount.read_only or source.get("readOnly", False)
                found[path] = wire.Mount(volume=mount.volume, path=path, read_only=read_only)
        return found | {mount.path: mount for mount in own[name]}

    return {name: tuple(collect(name).values()) for name in own}


def log_target(container: Mapping[str, Any], task_id: str, runtime_id: str = "") -> wire.LogTarget | None:
    """
    Return where a container's output goes; without a log configuration it is discarded.

    On EC2 a stream without a prefix is called after the container's *runtime_id*.
    """
    configuration = container.get("logConfiguration")
    if configuration is None or configuration["logDriver"] != "awslogs":
        return None
    options = configuration["options"]
    pattern = options.get("awslogs-multiline-pattern", "")
    if "awslogs-datetime-format" in options:  # with both, AWS goes by the date
        pattern = datetime_pattern(options["awslogs-datetime-format"])
    prefix = options.get("awslogs-stream-prefix", "")
    return wire.LogTarget(
        region=options["awslogs-region"],
        group=options["awslogs-group"],
        stream=f"{prefix}/{container['name']}/{task_id}" if prefix else runtime_id,
        multiline_pattern=pattern,
        options=dict(options),
    )


def pattern_failure(target: wire.LogTarget) -> str:
    """Return why the expression for a line that begins an event cannot be used, or nothing."""
    pattern = target.multiline_pattern
    try:
        compile_pattern(pattern.encode())  # RE2, as the log driver's own expressions are
    except InvalidPattern as problem:
        return f'awslogs could not parse multiline pattern key "{pattern}": error parsing regexp: {problem}'
    return ""


#: The expressions that Docker's awslogs driver has for the directives of strftime.
_DIRECTIVES = {
    "%a": r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)",
    "%A": r"(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)",
    "%b": r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)",
    "%B": r"(?:January|February|March|April|May|June|July|August|September|October|November|December)",
    "%d": r"(?:0[1-9]|[12][0-9]|3[01])",
    "%f": r"\d{6}",
    "%H": r"(?:[01][0-9]|2[0-3])",
    "%I": r"(?:0[1-9]|1[0-2])",
    "%j": r"\d{3}",
    "%L": r"\.\d{3}",
    "%m": r"(?:0[1-9]|1[0-2])",
    "%M": r"[0-5][0-9]",
    "%p": r"(?:AM|PM)",
    "%S": r"[0-5][0-9]",
    "%w": r"\d",
    "%y": r"\d{2}",
    "%Y": r"\d{4}",
    "%z": r"[+-]\d{4}",
    "%Z": r"[A-Z]{1,4}T",
    "%%": "%",
}


def datetime_pattern(form: str) -> str:
    """Return the expression for a line that begins an event, given the date's form in strftime's directives."""
    parts = re.findall(r"%.|[^%]+|%", form)
    return "".join(_DIRECTIVES.get(part) or re.escape(part) for part in parts)
