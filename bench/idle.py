"""
What Homeport costs when nothing happens: memory of server and node, and of each running task.

Memory is PSS (shared pages counted once); processor time is that of ten idle seconds.
Run inside a lab: homeport lab -- python bench/idle.py
"""

import argparse
import os
import sys
import time
from pathlib import Path

import boto3

RUN = Path(os.environ["HOMEPORT_RUN"])


def pid_of(name: str) -> int:
    return int((RUN / f"{name}.pid").read_text())


def pss_kib(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))


def monitors_kib() -> int:
    """Return the memory of every container monitor."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text().strip() == "conmon":
                total += pss_kib(int(process.name))
        except OSError:
            continue
    return total


def seconds_used(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--tasks", type=int, default=20)
    arguments = options.parse_args()
    ecs = boto3.client("ecs")
    subnet = boto3.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    before = {name: pss_kib(pid_of(name)) for name in ("server", "node")}
    ecs.register_task_definition(
        family="idle",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        containerDefinitions=[
            {"name": "c", "image": "homeport/web:latest", "entryPoint": ["sleep"], "command": ["1000"]}
        ],
    )
    arns = []
    for _ in range(0, arguments.tasks, 10):
        answer = ecs.run_task(
            taskDefinition="idle",
            count=min(10, arguments.tasks),
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}},
        )
        arns += [task["taskArn"] for task in answer["tasks"]]
    ecs.get_waiter("tasks_running").wait(tasks=arns, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    after = {name: pss_kib(pid_of(name)) for name in ("server", "node")}
    used = {name: seconds_used(pid_of(name)) for name in ("server", "node")}
    time.sleep(10)
    for name in ("server", "node"):
        idle = (seconds_used(pid_of(name)) - used[name]) * 100
        print(
            f"{name:<8} {before[name] / 1024:6.1f} MiB at start, {after[name] / 1024:6.1f} MiB with {len(arns)} tasks,"
            f" {idle:5.1f} ms of processor a second"
        )
    growth = sum(after.values()) - sum(before.values())
    monitors = monitors_kib()
    print(f"per task {monitors / len(arns):.0f} KiB of monitor, {growth / len(arns):.0f} KiB in server and node")
    for arn in arns:
        ecs.stop_task(task=arn)
    return 0


if __name__ == "__main__":
    sys.exit(main())
