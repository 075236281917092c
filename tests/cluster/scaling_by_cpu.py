"""
In a lab where time passes faster: a service whose task burns CPU scales out, and one whose task sleeps does not.

Run as `PYTHONPATH=tests/cluster/hurried HURRY=8 HURRY_SINCE=$(date +%s) homeport lab -- python -m tests.cluster.scaling_by_cpu`.
"""

import time
from datetime import UTC, datetime
from typing import Any

import boto3
import botocore.auth
from tests.cluster.conftest import Lab, shell, until
from tests.cluster.test_services import create, events, shown

#: Of the CPU that the task reserves.  In time that passes so much faster, a task uses so much less than it does.
TARGET = 1.0
METRIC = {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}


def now(remove_tzinfo: bool = True) -> datetime:
    """Return the time by the lab's clock: requests are signed with it."""
    found = datetime.fromtimestamp(time.time(), UTC)
    return found.replace(tzinfo=None) if remove_tzinfo else found


def tracked(lab: Lab, scaling: Any, script: str) -> str:
    """Return the name of a service of one task, which may become three."""
    name = create(lab, lab.define(shell(script, image="homeport/web:latest")), desiredCount=1)
    resource = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/default/{name}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling.register_scalable_target(**resource, MinCapacity=1, MaxCapacity=3)
    scaling.put_scaling_policy(
        **resource,
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={"TargetValue": TARGET, "PredefinedMetricSpecification": METRIC},
    )
    return name


def alarm(cloudwatch: Any, name: str) -> str:
    """Return the state of the alarm that calls for more tasks of a service."""
    prefix = f"TargetTracking-service/default/{name}-AlarmHigh"
    (found,) = cloudwatch.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
    return str(found["StateValue"])


def main() -> None:
    signing: Any = botocore.auth  # the stubs do not know what it asks for the time
    signing.get_current_datetime = now
    lab = Lab(boto3.client("ecs"), boto3.client("ec2"), boto3.client("logs"))
    lab.logs.create_log_group(logGroupName="/tests")
    cloudwatch, scaling = boto3.client("cloudwatch"), boto3.client("application-autoscaling")
    busy, idle = (tracked(lab, scaling, script) for script in ("while :; do :; done", "sleep 100000"))
    until("the busy service to be scaled out", lambda: shown(lab, busy)["desiredCount"] > 1, 300)
    until("its new tasks to run", lambda: shown(lab, busy)["runningCount"] > 1)
    told = scaling.describe_scaling_activities(ServiceNamespace="ecs", ResourceId=f"service/default/{busy}")
    activity = told["ScalingActivities"][-1]  # the first of all
    assert "AlarmHigh" in activity["Cause"], activity
    until("the idle service to be known to be so", lambda: alarm(cloudwatch, idle) == "OK")
    assert shown(lab, idle)["desiredCount"] == 1, events(lab, idle)
    print("the busy service has", shown(lab, busy)["desiredCount"], "tasks")


if __name__ == "__main__":
    main()
