"""The instance metadata service: what it says, to whom, and what it asks for first."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.unit.node.test_instances import INSTANCE, METADATA, Node, attached
from tests.unit.node.virtual import VirtualClock, pass_time, virtual
from tests.unit.node.world import eni, instance_task, task

from homeport.node.endpoints.http import Handler, Request, Response
from homeport.node.endpoints.imds import InstanceMetadataService
from homeport.node.endpoints.tokens import Tokens
from homeport.wire.messages import Instance, InstancePhase, NetworkMode

KEY = b"k" * 32


def with_metadata(**changes: object) -> Instance:
    return replace(INSTANCE, metadata=replace(METADATA, **changes))


async def service(tmp_path: Path, instance: Instance = INSTANCE) -> tuple[Node, Handler]:
    node = await Node(tmp_path).start()
    node.launch(instance)
    await node.started()
    node.finish_boot()
    await node.reaches(InstancePhase.RUNNING)
    served = InstanceMetadataService(node.agent.instances, node.agent.roster, Tokens(KEY), VirtualClock())
    return node, served.handler("vpc-1")


async def ask(served: Handler, path: str, *, peer: str = "10.0.0.5", method: str = "GET", **headers: str) -> Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await served(Request(method, path, "", b"", peer, given))


async def read(served: Handler, path: str, **more: str) -> str:
    response = await ask(served, path, **more)
    assert response.status == 200, response
    return response.body.decode()


async def token(served: Handler, seconds: str = "60", peer: str = "10.0.0.5") -> Response:
    return await ask(served, "/latest/api/token", method="PUT", peer=peer, x_aws_ec2_metadata_token_ttl_seconds=seconds)


async def with_token(served: Handler, path: str, value: str, peer: str = "10.0.0.5") -> Response:
    return await ask(served, path, peer=peer, x_aws_ec2_metadata_token=value)


@virtual
async def test_tree_is_listed_as_aws_lists_it(tmp_path: Path):
    _, served = await service(tmp_path)
    assert (await read(served, "/")).splitlines()[-1] == "latest"
    assert await read(served, "/latest") == await read(served, "/2021-07-15/") == "dynamic/\nmeta-data/\nuser-data"
    names = (await read(served, "/latest/meta-data/")).splitlines()
    assert names == [
        "ami-id",
        "ami-launch-index",
        "ami-manifest-path",
        "hostname",
        "instance-action",
        "instance-id",
        "instance-life-cycle",
        "instance-type",
        "local-hostname",
        "local-ipv4",
        "mac",
        "network/",
        "placement/",
        "reservation-id",
        "services/",
    ]
    assert await read(served, "/latest/meta-data/network/interfaces/macs/") == "02:00:00:00:00:05/"


@virtual
async def test_values_are_the_instances_own(tmp_path: Path):
    node, served = await service(tmp_path, with_metadata(groups=("web", "default"), tags={"Name": "a"}))
    node.put(
        replace(attached(), public_address="198.18.0.9", subnet="subnet-1"), replace(attached(6, 1), groups=("sg-1",))
    )
    expected = {
        "ami-id": "ami-1",
        "ami-launch-index": "0",
        "hostname": "ip-10-0-0-5.ec2.internal",
        "instance-id": "i-1",
        "instance-life-cycle": "on-demand",
        "instance-type": "c5.large",
        "local-hostname": "ip-10-0-0-5.ec2.internal",
        "local-ipv4": "10.0.0.5",
        "mac": "02:00:00:00:00:05",
        "placement/availability-zone": "us-east-1a",
        "placement/availability-zone-id": "use1-az1",
        "placement/region": "us-east-1",
        "public-ipv4": "198.18.0.9",
        "reservation-id": "r-1",
        "security-groups": "web\ndefault",
        "services/domain": "amazonaws.com",
        "tags/instance/": "Name",
        "tags/instance/Name": "a",
        "network/interfaces/macs/02:00:00:00:00:05/subnet-id": "subnet-1",
        "network/interfaces/macs/02:00:00:00:00:05/device-number": "0",
        "network/interfaces/macs/02:00:00:00:00:05/ipv4-associations/198.18.0.9": "10.0.0.5",
        "network/interfaces/macs/02:00:00:00:00:06/device-number": "1",
        "network/interfaces/macs/02:00:00:00:00:06/local-ipv4s": "10.0.0.6",
        "network/interfaces/macs/02:00:00:00:00:06/security-group-ids": "sg-1",
        "network/interfaces/macs/02:00:00:00:00:06/vpc-id": "vpc-1",
        "network/interfaces/macs/02:00:00:00:00:06/vpc-ipv4-cidr-block": "10.0.0.0/16",
    }
    assert {path: await read(served, f"/latest/meta-data/{path}") for path in expected} == expected
    assert await read(served, "/latest/user-data") == "#!/bin/sh\necho hello\n"


@virtual
async def test_identity_and_profile(tmp_path: Path):
    said = {"identity": "{}", "identity_signature": "c2ln", "identity_pkcs7": "cGtj"}
    arn = "arn:aws:iam::123456789012:instance-profile/p"
    _, served = await service(tmp_path, with_metadata(profile_arn=arn, profile_id="AIPA1", launched_at=0.0, **said))
    base = "/latest/dynamic/instance-identity"
    assert [await read(served, f"{base}/{name}") for name in ("document", "signature", "pkcs7")] == [
        "{}",
        "c2ln",
        "cGtj",
    ]
    info = json.loads(await read(served, "/latest/meta-data/iam/info"))
    assert info == {
        "Code": "Success",
        "LastUpdated": "1970-01-01T00:00:00Z",
        "InstanceProfileArn": arn,
        "InstanceProfileId": "AIPA1",
    }
    assert (await ask(served, "/latest/meta-data/iam/security-credentials/")).status == 404


@virtual
async def test_what_is_not_there_is_not_found(tmp_path: Path):
    _, served = await service(tmp_path, replace(INSTANCE, user_data=b""))
    for path in (
        "/latest/meta-data/public-ipv4",
        "/latest/user-data",
        "/latest/nothing",
        "/old/meta-data",
        "/latest/meta-data/mac/",
    ):
        response = await ask(served, path)
        assert (response.status, response.content_type) == (404, "text/html")
        assert b"<h1>404 - Not Found</h1>" in response.body
    assert (await ask(served, "/latest/meta-data/mac", method="POST")).status == 405


@virtual
async def test_token_opens_its_own_instance_for_its_time(tmp_path: Path):
    _, served = await service(tmp_path, with_metadata(tokens_required=True, hop_limit=2))
    assert (await ask(served, "/latest/meta-data/mac")).status == 401
    given = await token(served, "60")
    assert (given.status, given.hop_limit) == (200, 2)
    assert ("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "60") in given.headers
    value = given.body.decode()
    answer = await with_token(served, "/latest/meta-data/mac", value)
    assert (answer.status, answer.hop_limit) == (200, 0)
    await pass_time(61)
    assert (await with_token(served, "/latest/meta-data/mac", value)).status == 401


@virtual
async def test_bad_token_is_refused_though_none_is_needed(tmp_path: Path):
    _, served = await service(tmp_path)
    value = (await token(served)).body.decode()
    other = Tokens(KEY).issue("i-2", 60, VirtualClock().now())
    forged = Tokens(b"x" * 32).issue("i-1", 60, VirtualClock().now())
    for bad in ("", "x", "é", value[:-4], "AAAA" + value[4:], other, forged):
        assert (await with_token(served, "/latest/meta-data/mac", bad)).status == 401, bad
    assert (await ask(served, "/latest/meta-data/mac")).status == 200


@pytest.mark.parametrize(
    ("seconds", "status"),
    [("1", 200), ("21600", 200), ("0", 400), ("21601", 400), ("-1", 400), ("x", 400), ("", 400), ("9" * 40, 400)],
)
@virtual
async def test_lifetime_has_its_limits(tmp_path: Path, seconds: str, status: int):
    _, served = await service(tmp_path)
    assert (await token(served, seconds)).status == status


@virtual
async def test_token_is_not_given_through_a_proxy_or_for_the_asking(tmp_path: Path):
    _, served = await service(tmp_path)
    headers = {"x_aws_ec2_metadata_token_ttl_seconds": "60", "x_forwarded_for": "1.2.3.4"}
    assert (await ask(served, "/latest/api/token", method="PUT", **headers)).status == 403
    assert (await ask(served, "/latest/api/token", method="PUT")).status == 400
    refused = await ask(served, "/latest/api/token", x_aws_ec2_metadata_token_ttl_seconds="60")
    assert (refused.status, ("Allow", "OPTIONS, PUT") in refused.headers) == (405, True)


@virtual
async def test_switched_off_service_answers_nothing(tmp_path: Path):
    _, served = await service(tmp_path, with_metadata(endpoint=False))
    assert (await ask(served, "/latest/meta-data/mac")).status == 403
    assert (await token(served)).status == 403


@virtual
async def test_only_who_has_an_instance_learns_of_it(tmp_path: Path):
    node, served = await service(tmp_path)
    on_instance = instance_task(1, NetworkMode.AWSVPC, eni="eni-7")
    node.put(eni(7), on_instance, eni(8), task(id="t2", eni="eni-8"))
    await pass_time(1)
    assert await read(served, "/latest/meta-data/instance-id", peer="10.0.0.7") == "i-1"
    for stranger in ("10.0.0.8", "10.0.0.9", "127.0.0.1"):  # on Fargate, nobody's, ours
        assert (await ask(served, "/latest/meta-data/instance-id", peer=stranger)).status == 403
        assert (await token(served, peer=stranger)).status == 403
    node.put(replace(eni(7), block_metadata=True))
    await pass_time(1)
    assert (await ask(served, "/latest/meta-data/instance-id", peer="10.0.0.7")).status == 403


@virtual
async def test_other_vpcs_address_is_another_ones(tmp_path: Path):
    node, _ = await service(tmp_path)
    served = InstanceMetadataService(node.agent.instances, node.agent.roster, Tokens(KEY), VirtualClock())
    assert (await ask(served.handler("vpc-2"), "/latest/meta-data/mac")).status == 403


@virtual
async def test_too_many_questions_are_refused(tmp_path: Path):
    _, served = await service(tmp_path)
    answers = [(await ask(served, "/latest/meta-data/mac")).status for _ in range(61)]
    assert answers == [200] * 60 + [429]


def test_tokens_are_all_different():
    tokens = Tokens(KEY)
    assert len({tokens.issue("i-1", 60, 0.0) for _ in range(100)}) == 100
