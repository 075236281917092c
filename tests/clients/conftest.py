"""Tests with AWS's own tools, against the lab that they run in."""

import os
from typing import Any

import boto3
import pytest


@pytest.fixture(scope="session", autouse=True)
def lab() -> None:
    """Refuse to run outside a lab: these tests make packets."""
    assert "HOMEPORT_RUN" in os.environ, "run this through `homeport lab -- pytest ...`"


@pytest.fixture(scope="session")
def subnet() -> str:
    ec2: Any = boto3.client("ec2")
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    return str(subnets[0]["SubnetId"])
