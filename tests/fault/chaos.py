"""
Kill server and node at random moments while tasks come and go, then check that nothing was lost.

Run inside a lab: homeport lab -- python -m tests.fault.chaos --kills 100 --seed 1
"""

import argparse
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tests.folders import everything_in

RUN = Path(os.environ["HOMEPORT_RUN"])
INSTALLATION = json.loads((RUN / "installation.json").read_text())
CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=60)
GROUP = "/chaos"
CLUSTER = "chaos"  # of the instances
MODES = ("bridge", "host", "awsvpc", "none")
IMAGE = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
USER_DATA = f"#!/bin/sh\necho ECS_CLUSTER={CLUSTER} >> /etc/ecs/ecs.config\n"
COUNTING = 'echo start; i=0; while [ $i -lt {lines} ]; do echo "line $i"; i=$((i+1)); sleep 0.03; done; exit 7'


class Unanswered(Exception):
    """The request may or may not have been carried out: the server went away."""


def client(service: str) -> Any:
    return boto3.client(service, config=CONFIG)


def ask(operation: Any, **arguments: Any) -> Any:
    """Call once; a connection that breaks is no answer."""
    try:
        return operation(**arguments)
    except BotoCoreError as error:
        raise Unanswered from error


def insist(operation: Any, **arguments: Any) -> Any:
    """Call until there is an answer; for requests that may be repeated."""
    deadline = time.monotonic() + 120
    while True:
        try:
            return ask(operation, **arguments)
        except Unanswered:
            if time.monotonic() > deadline:
                raise


@dataclass
class World:
    """What the API has acknowledged."""

    ecs: Any
    ec2: Any
    logs: Any
    random: random.Random
    tasks: dict[str, int] = field(default_factory=dict)  # ARN to the lines it will write
    stopped: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    clusters: set[str] = field(default_factory=set)
    revisions: set[str] = field(default_factory=set)
    unanswered: int = 0
    network: dict[str, Any] = field(default_factory=dict)
    image: str = ""
    subnet: str = ""
    instances: set[str] = field(default_factory=set)
    terminated: set[str] = field(default_factory=set)
    refused: int = 0  # tasks that no instance had room for


def prepare() -> World:
    world = World(client("ecs"), client("ec2"), client("logs"), random.Random())
    insist(world.logs.create_log_group, logGroupName=GROUP)
    subnets = insist(world.ec2.describe_subnets)["Subnets"]
    world.network = {"awsvpcConfiguration": {"subnets": [subnet["SubnetId"] for subnet in subnets]}}
    world.subnet = subnets[0]["SubnetId"]
    world.image = insist(client("ssm").get_parameter, Name=IMAGE)["Parameter"]["Value"]
    insist(world.ecs.create_cluster, clusterName=CLUSTER)
    return world


def register(world: World, lines: int, mode: str = "awsvpc") -> str:
    ports = [{"containerPort": 80}] if mode == "bridge" else []
    definition = ask(
        world.ecs.register_task_definition,
        family="chaos",
        networkMode=mode,
        cpu="256",
        memory="512",
        executionRoleArn="arn:aws:iam::123456789012:role/execution",
        containerDefinitions=[
            {
                "name": "counter",
                "image": "homeport/web:latest",
                "entryPoint": ["sh", "-c"],
                "command": [COUNTING.format(lines=lines)],
                "stopTimeout": 2,
                "portMappings": ports,
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {
                        "awslogs-group": GROUP,
                        "awslogs-region": INSTALLATION["region"],
                        "awslogs-stream-prefix": "c",
                    },
                },
            }
        ],
    )["taskDefinition"]["taskDefinitionArn"]
    world.revisions.add(definition)
    return definition


def act(world: World) -> None:
    """Do one random thing and remember what was acknowledged."""
    choice = world.random.random()
    live = [arn for arn in world.tasks if arn not in world.stopped]
    if choice < 0.2 and len(live) < 12:
        lines = world.random.choice([20, 60, 2000])
        definition = register(world, lines)
        answer = ask(
            world.ecs.run_task, taskDefinition=definition, launchType="FARGATE", networkConfiguration=world.network
        )
        assert not answer["failures"], answer["failures"]
        world.tasks[answer["tasks"][0]["taskArn"]] = lines
    elif choice < 0.45 and len(live) < 12:
        run_on_an_instance(world)
    elif choice < 0.52 and live:
        arn = world.random.choice(live)
        ask(world.ecs.stop_task, cluster=cluster_of(arn), task=arn, reason="chaos")
        world.stopped.add(arn)
    elif choice < 0.58:
        come_and_go(world)
    elif choice < 0.75:
        name = f"chaos-{world.random.getrandbits(64):x}"
        ask(world.ec2.create_security_group, GroupName=name, Description=name)
        world.groups.add(name)
    elif choice < 0.85:
        name = f"chaos-{world.random.getrandbits(64):x}"
        ask(world.ecs.create_cluster, clusterName=name)
        world.clusters.add(name)
    else:
        ask(world.ecs.list_tasks)


def cluster_of(task: str) -> str:
    return task.split("/")[1]


def run_on_an_instance(world: World) -> None:
    """Run a task in a random mode where there is room for it."""
    lines = world.random.choice([20, 60, 2000])
    mode = world.random.choice(MODES)
    definition = register(world, lines, mode)
    network = {"networkConfiguration": world.network} if mode == "awsvpc" else {}
    try:
        answer = ask(world.ecs.run_task, cluster=CLUSTER, taskDefinition=definition, launchType="EC2", **network)
    except world.ecs.exceptions.InvalidParameterException as error:
        if "No Container Instances were found in your cluster." not in str(error):
            raise
        world.refused += 1
        return
    world.refused += len(answer["failures"])
    for task in answer["tasks"]:
        world.tasks[task["taskArn"]] = lines


def come_and_go(world: World) -> None:
    """Launch an instance, or terminate one with whatever it runs."""
    present = sorted(world.instances - world.terminated)
    if len(present) < world.random.choice([1, 2, 4]):
        try:
            answer = ask(
                world.ec2.run_instances,
                ImageId=world.image,
                InstanceType="c5.large",
                MinCount=1,
                MaxCount=1,
                SubnetId=world.subnet,
                UserData=USER_DATA,
            )
        except ClientError as error:  # the node has just been killed
            if error.response["Error"]["Code"] != "InsufficientInstanceCapacity":
                raise
            return
        world.instances.add(answer["Instances"][0]["InstanceId"])
        return
    instance = world.random.choice(present)
    ask(world.ec2.terminate_instances, InstanceIds=[instance])
    world.terminated.add(instance)


def keep_acting(world: World, done: threading.Event) -> None:
    while not done.is_set():
        try:
            act(world)
        except Unanswered:
            world.unanswered += 1
        done.wait(world.random.uniform(0, 0.1))


def kill_randomly(kills: int, chance: random.Random) -> dict[str, int]:
    """Kill server or node, wait for a successor and a random moment, again."""
    killed = {"server": 0, "node": 0}
    while sum(killed.values()) < kills:
        name = chance.choice(["server", "node"])
        pid_file = RUN / f"{name}.pid"
        pid = int(pid_file.read_text())
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            killed[name] += 1
        wait_until(
            lambda pid=pid, pid_file=pid_file: pid_file.read_text().strip() not in ("", str(pid)), 300, "a successor"
        )
        threading.Event().wait(chance.choice([0.02, 0.2, 0.5, 0.9]))
    return killed


def wait_until(condition: Any, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}")
        threading.Event().wait(0.02)


def describe(world: World, arns: list[str]) -> list[dict[str, Any]]:
    tasks = []
    for cluster in ("default", CLUSTER):
        own = [arn for arn in arns if cluster_of(arn) == cluster]
        for start in range(0, len(own), 100):
            answer = insist(world.ecs.describe_tasks, cluster=cluster, tasks=own[start : start + 100])
            assert not answer["failures"], answer["failures"]
            tasks += answer["tasks"]
    return tasks


def states(world: World) -> dict[str, str]:
    """Return the state of every instance that can be seen."""
    found = insist(world.ec2.describe_instances)["Reservations"]
    return {each["InstanceId"]: each["State"]["Name"] for group in found for each in group["Instances"]}


def all_tasks(world: World) -> list[str]:
    arns = set()
    for cluster, status in ((cluster, status) for cluster in ("default", CLUSTER) for status in ("RUNNING", "STOPPED")):
        token: dict[str, str] = {}
        while True:
            answer = insist(world.ecs.list_tasks, cluster=cluster, desiredStatus=status, **token)
            arns.update(answer["taskArns"])
            if not answer.get("nextToken"):
                break
            token = {"nextToken": answer["nextToken"]}
    return sorted(arns)


def check_acknowledged(world: World) -> None:
    groups = {group["GroupName"] for group in insist(world.ec2.describe_security_groups)["SecurityGroups"]}
    assert world.groups <= groups, f"lost security groups: {world.groups - groups}"
    described = insist(world.ecs.describe_clusters, clusters=sorted(world.clusters)[:100])
    assert not described["failures"], described["failures"]
    known = all_tasks(world)
    assert set(world.tasks) <= set(known), f"lost tasks: {set(world.tasks) - set(known)}"
    for definition in world.revisions:
        insist(world.ecs.describe_task_definition, taskDefinition=definition)


def check_logs(world: World, task: dict[str, Any]) -> None:
    """Every line once, in order, from one start."""
    arn = task["taskArn"]
    if task["containers"][0].get("exitCode") is None and "startedAt" not in task:
        return  # stopped before its container ran
    stream = f"c/counter/{arn.rsplit('/', 1)[1]}"
    messages: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = insist(
            world.logs.get_log_events, logGroupName=GROUP, logStreamName=stream, startFromHead=True, **token
        )
        messages += [event["message"] for event in answer["events"]]
        if answer["nextForwardToken"] == token.get("nextToken"):
            break
        token = {"nextToken": answer["nextForwardToken"]}
    expected = (["start"] + [f"line {number}" for number in range(len(messages) - 1)]) if messages else []
    assert messages == expected, f"{arn}: {messages[:5]} ... {messages[-5:]}"
    if arn in world.tasks and arn not in world.stopped and task.get("stopCode") == "EssentialContainerExited":
        assert task["containers"][0].get("exitCode") == 7, task["containers"]
        assert len(messages) == world.tasks[arn] + 1, f"{arn}: {len(messages)} lines of {world.tasks[arn] + 1}"


def traces() -> list[str]:
    """What tasks leave on a machine if nobody cleans up."""
    found = []
    found += [
        f"mount {line.split()[4]}"
        for line in Path("/proc/self/mountinfo").read_text().splitlines()
        if INSTALLATION["state"] in line and "merged" in line
    ]
    for root in Path("/sys/fs/cgroup").glob(f"*/{INSTALLATION['cgroup_root']}"):
        found += [
            f"cgroup {path}"
            for path in everything_in(root)
            if path.is_dir() and re.search(r"[0-9a-f]{32}|i-[0-9a-f]{17}", path.name)
        ]
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if command.startswith(("/usr/bin/conmon", "conmon")) or "echo start" in command:
                found.append(f"process {process.name} {command[:120]}")
    return found


def machine() -> dict[str, list[str]]:
    """Return the names of namespaces and of nft elements of interfaces."""
    namespaces = sorted(
        path.name for path in everything_in(RUN) if path.parent.name == "netns" and "." not in path.name
    )
    return {"namespaces": namespaces}


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--seed", type=int, default=1)
    arguments = options.parse_args()
    seed = arguments.seed
    print(f"seed {seed}", flush=True)
    world = prepare()
    world.random = random.Random(seed)
    done = threading.Event()
    failures: list[BaseException] = []

    def actor() -> None:
        try:
            keep_acting(world, done)
        except BaseException as error:
            failures.append(error)

    acting = threading.Thread(target=actor)
    acting.start()
    try:
        killed = kill_randomly(arguments.kills, random.Random(seed + 1))
    finally:
        done.set()
        acting.join()
    if failures:
        raise failures[0]
    print(
        f"killed {killed}; {len(world.tasks)} tasks and {len(world.instances)} instances acknowledged, "
        f"{world.unanswered} requests unanswered, {world.refused} tasks without room",
        flush=True,
    )

    check_acknowledged(world)
    known = states(world)
    assert world.instances <= known.keys(), f"lost instances: {world.instances - known.keys()}"
    every = all_tasks(world)
    # Some instances go with their tasks, others after theirs.
    present = sorted(name for name, state in known.items() if state not in ("shutting-down", "terminated"))
    if present:
        insist(world.ec2.terminate_instances, InstanceIds=present[:1])
    for task in describe(world, every):
        if task["desiredStatus"] != "STOPPED":
            insist(world.ecs.stop_task, cluster=cluster_of(task["taskArn"]), task=task["taskArn"], reason="the end")
            world.stopped.add(task["taskArn"])

    def all_stopped() -> bool:
        return all(task["lastStatus"] == "STOPPED" for task in describe(world, every))

    wait_until(all_stopped, 300, "all tasks to be STOPPED")
    if present:
        insist(world.ec2.terminate_instances, InstanceIds=present)
    wait_until(
        lambda: set(states(world).values()) <= {"terminated"}, 300, f"instances to be terminated: {states(world)}"
    )
    tasks = describe(world, every)
    for task in tasks:
        assert not task.get("stoppedReason", "").startswith(("ResourceInit", "CannotStart", "CannotCreate")), task
        check_logs(world, task)
    wait_until(lambda: not traces() and not machine()["namespaces"], 300, f"a clean machine: {traces()} {machine()}")
    interfaces = insist(world.ec2.describe_network_interfaces)["NetworkInterfaces"]
    assert interfaces == [], interfaces
    lines = sum(1 for task in tasks if task["containers"][0].get("exitCode") is not None)
    print(f"{len(tasks)} tasks checked ({lines} had run): nothing lost, doubled, restarted or left")
    return 0


if __name__ == "__main__":
    try:
        outcome = main()
    except BaseException:
        for name in ("server", "node"):
            subprocess.run(["tail", "-n", "40", f"{INSTALLATION['state']}/log/{name}.log"], check=False)
        raise
    sys.exit(outcome)
