"""What an image says of itself holds, as far as the container definition does not say otherwise."""

from pathlib import Path

import pytest
from tests.cluster.conftest import Lab, part, until
from tests.cluster.test_ecr import folder, push

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

__all__ = ["folder"]  # a fixture

_ACCOUNT = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
_RECIPE = """
ENV A=image B=image PATH=/bin
WORKDIR /work
USER 1234:4321
STOPSIGNAL SIGUSR1
ENTRYPOINT ["/bin/busybox", "sh", "-c"]
CMD ["echo $A $B $AWS_REGION; busybox pwd; busybox id -u; \\
      trap 'echo asked; exit 5' USR1; while :; do busybox sleep 0.1; done"]
"""


def test_an_image_s_own_settings_hold_unless_overridden(lab: Lab, folder: Path) -> None:
    image = f"{_ACCOUNT}/{push(folder, _RECIPE)}:v1"
    plain = lab.run(lab.define({"name": "main", "image": image, "environment": [{"name": "B", "value": "ours"}]}))
    lab.running(plain)
    told = lab.define({"name": "main", "image": image, "command": ["busybox id -u"], "user": "0"})
    assert lab.lines(lab.stopped(lab.run(told))["taskArn"], "main") == ["0"]
    bare = lab.define({"name": "main", "image": image, "entryPoint": ["/bin/busybox", "pwd"]})
    assert lab.lines(lab.stopped(lab.run(bare))["taskArn"], "main") == ["/work"]
    until("it to hear signals", lambda: len(lab.lines(plain, "main")) == 3)
    lab.ecs.stop_task(task=plain)
    assert part(lab.stopped(plain), "main")["exitCode"] == 5
    assert lab.lines(plain, "main") == ["image ours us-east-1", "/work", "1234", "asked"]


def test_an_image_without_a_command_needs_one(lab: Lab, folder: Path) -> None:
    image = f"{_ACCOUNT}/{push(folder, 'ENV A=1')}:v1"
    task = lab.outcome({"name": "main", "image": image})
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"] == "CannotCreateContainerError: no command specified"
