"""The walk through a service behind a load balancer, by the AWS CLI as a user would type it."""

import re

import pytest
from tests.labs import ROOT, in_lab

EXAMPLE = ROOT / "examples" / "web-service" / "run.sh"

pytestmark = [pytest.mark.clients, pytest.mark.slow]

PROVES = (
    "security groups: anybody -> load balancer -> tasks",
    "www.shop.example and api.shop.example are aliases of it",
    "all of them healthy targets",
    "the tasks of front are in two availability zones",
    "the name, the path rule and the host rule lead to the right tasks",
    "both tasks of front answer in turn",
    "nobody but the load balancer reaches a task",
    "(service front) has reached a steady state.",
    "everything deleted",
    "all of it",
)


def test_the_aws_cli_brings_a_service_behind_a_load_balancer_and_a_new_revision_of_it() -> None:
    """In a lab of its own, whose resolver knows the names."""
    said = in_lab(EXAMPLE, timeout=1200)
    for step in PROVES:
        assert step in said, said
    under_load = re.search(r"a new revision: (\d+) requests, (\d+) failed", said)
    assert under_load is not None, said
    assert int(under_load[1]) > 100
    assert under_load[2] == "0"
