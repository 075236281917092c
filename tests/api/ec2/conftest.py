"""EC2 as its users meet it: the account's default VPC, and whatever a test makes."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from homeport.db.database import Tx
from homeport.kit.ids import RandomIds
from homeport.services.ec2 import store

from .machines import Machine


@dataclass
class Refusal:
    """What a client was told."""

    code: str = ""
    message: str = ""
    status: int = 0


@contextmanager
def refused(code: str, message: str | None = None):
    """Expect a call to be refused with *code*, and exactly *message* where one is given."""
    refusal = Refusal()
    with pytest.raises(ClientError) as caught:
        yield refusal
    error = caught.value.response["Error"]
    refusal.code, refusal.message = error["Code"], error["Message"]
    refusal.status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert refusal.code == code, f"{refusal.code}: {refusal.message}"
    if message is not None:
        assert refusal.message == message


@pytest.fixture
def in_transaction(api: Any) -> Callable[[Callable[[Tx], Any]], Any]:
    """Run a coroutine function in a transaction of the server's store."""

    def run(work: Callable[[Tx], Any]) -> Any:
        async def transaction() -> Any:
            async with api.database.transaction() as tx:
                return await work(tx)

        return api.run(transaction())

    return run


@pytest.fixture
def ec2(api: Any, in_transaction: Any) -> Any:
    """Give a client of an account as it is at first start."""
    in_transaction(lambda tx: store.initialise(tx, ids=RandomIds()))
    return api.client("ec2")


@pytest.fixture
def machine(api: Any, ec2: Any, in_transaction: Any) -> Machine:
    """Give an account with a node that has joined."""
    made = Machine(api, ec2, in_transaction)
    made.join()
    return made


@pytest.fixture
def vpc(ec2: Any) -> str:
    """Give a VPC 10.0.0.0/16 of the user's own."""
    return ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


@pytest.fixture
def default_vpc(ec2: Any) -> str:
    return ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]


@pytest.fixture
def subnet(ec2: Any, vpc: str) -> str:
    """Give a subnet 10.0.1.0/24 in the user's own VPC."""
    return ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]


@pytest.fixture
def group(ec2: Any, vpc: str) -> str:
    """Give a security group in the user's own VPC."""
    return ec2.create_security_group(GroupName="web", Description="web servers", VpcId=vpc)["GroupId"]


def only(name: str, *values: str) -> list[dict[str, Any]]:
    """Return a request's Filters with one filter."""
    return [{"Name": name, "Values": list(values)}]
