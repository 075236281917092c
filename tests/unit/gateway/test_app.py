"""The pipeline, one step after the other, as a client meets it."""

import gzip
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.asgi_client import ACCOUNT, ROOT, USER, Answer, AsgiClient

from homeport.aws.call import Call
from homeport.aws.credentials import Credential
from homeport.aws.errors import AwsError
from homeport.aws.fields import Fields
from homeport.aws.operation import Service
from homeport.gateway.receive import Intake
from homeport.services.registry import SERVICES

ecs, ec2, elbv2, route53, lambda_ = (Service(name) for name in ("ecs", "ec2", "elbv2", "route53", "lambda"))
sts = SERVICES["sts"]


@ecs.operation("CreateCluster", ignores=("settings",))
async def create_cluster(call: Call, *, cluster_name: str) -> dict[str, Any]:
    await call.tx.execute("CREATE TABLE IF NOT EXISTS things (name TEXT)")
    await call.tx.execute("INSERT INTO things VALUES (?)", cluster_name)
    call.wake("placement")
    call.wake("dns")
    call.wake("placement")
    if cluster_name == "refused":
        raise AwsError("No such luck.", code="InvalidParameterException")
    if cluster_name == "bug":
        raise KeyError("the secret detail")
    return {"cluster": {"clusterArn": call.arn("ecs", f"cluster/{cluster_name}")}}


@ecs.operation("ListClusters", reads=True)
async def list_clusters(call: Call) -> dict[str, Any]:
    return {"clusterArns": [name for (name,) in await call.tx.fetch("SELECT name FROM things")]}


@ecs.operation("DescribeTasks", reads=True)
async def describe_tasks(call: Call, *, tasks: list[str]) -> dict[str, Any]:
    if tasks == ["misspelt"]:
        return {"taskz": []}
    return {"tasks": [msgspec.Raw(b'{"taskArn":"stored"}')], "failures": []}


@ecs.operation("RunTask")
async def run_task(call: Call, *, task_definition: str, overrides: dict[str, Any] | None = None) -> None:
    with Fields(overrides or {}, "overrides") as fields:
        fields.take("cpu", str, None)
        for container in fields.take_each("containerOverrides"):
            container.take("name", str)


@ec2.operation("DescribeVpcs", reads=True)
async def describe_vpcs(call: Call) -> dict[str, Any]:
    return {}


@elbv2.operation("DescribeLoadBalancers", reads=True)
async def describe_load_balancers(call: Call) -> dict[str, Any]:
    return {}


@route53.operation("ListHostedZones", reads=True)
async def list_hosted_zones(call: Call) -> dict[str, Any]:
    return {}


@lambda_.operation("ListFunctions", reads=True)
async def list_functions(call: Call) -> dict[str, Any]:
    raise AwsError("Where?", code="ResourceNotFoundException")


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[AsgiClient]:
    client = AsgiClient(tmp_path, [ecs, ec2, elbv2, route53, lambda_, sts])
    yield client
    client.close()


def error(answer: Answer) -> tuple[int, str, str]:
    """Return status, code and message of an error in any protocol."""
    if answer.headers["content-type"].startswith("text/xml"):
        found = re.search(r"<Code>(.*?)</Code><Message>(.*?)</Message>", answer.text)
        assert found, answer.text
        return answer.status, found[1], found[2]
    document = json.loads(answer.body)
    code = document.get("__type") or answer.headers["x-amzn-errortype"]
    return answer.status, code, document.get("message", document.get("Message"))


def test_a_request_reaches_its_handler_and_comes_back(gateway: AsgiClient) -> None:
    answer = gateway.json(ecs, "CreateCluster", '{"clusterName":"web"}', region="eu-west-1")
    assert json.loads(answer.body) == {"cluster": {"clusterArn": f"arn:aws:ecs:eu-west-1:{ACCOUNT}:cluster/web"}}
    assert len(answer.headers["x-amzn-requestid"]) == 36


def test_wakes_go_out_once_each_after_the_commit(gateway: AsgiClient) -> None:
    gateway.json(ecs, "CreateCluster", '{"clusterName":"web"}')
    assert gateway.wakes == ["placement", "dns"]


@pytest.mark.parametrize("name", ["refused", "bug"])
def test_a_failure_undoes_its_writes_and_wakes_nobody(gateway: AsgiClient, name: str) -> None:
    gateway.json(ecs, "CreateCluster", '{"clusterName":"kept"}')
    gateway.wakes.clear()
    gateway.json(ecs, "CreateCluster", f'{{"clusterName":"{name}"}}')
    assert gateway.wakes == []
    assert json.loads(gateway.json(ecs, "ListClusters", "").body) == {"clusterArns": ["kept"]}


def test_a_bug_is_logged_once_and_answered_without_detail(
    gateway: AsgiClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = gateway.json(ecs, "CreateCluster", '{"clusterName":"bug"}')
    assert error(answer) == (500, "InternalFailure", "An internal error has occurred.")
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert answer.headers["x-amzn-requestid"] in record.getMessage()
    assert "ecs:CreateCluster" in record.getMessage()


def test_stored_json_is_spliced_into_the_answer(gateway: AsgiClient) -> None:
    answer = gateway.json(ecs, "DescribeTasks", '{"tasks":["a"]}')
    assert answer.body == b'{"tasks":[{"taskArn":"stored"}],"failures":[]}'


def test_an_answer_that_the_model_does_not_know_is_a_bug(gateway: AsgiClient, caplog: pytest.LogCaptureFixture) -> None:
    assert gateway.json(ecs, "DescribeTasks", '{"tasks":["misspelt"]}').status == 500
    assert "DescribeTasksResponse has no member taskz" in caplog.text


def test_a_member_without_effect_is_accepted(gateway: AsgiClient) -> None:
    body = '{"clusterName":"web","settings":[{"name":"containerInsights","value":"enabled"}]}'
    assert gateway.json(ecs, "CreateCluster", body).status == 200


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ({"taskDefinition": "a", "group": "b"}, "group"),
        ({"taskDefinition": "a", "newMember": 1}, "newMember"),
        ({"taskDefinition": "a", "overrides": {"memory": "1"}}, "overrides.memory"),
        (
            {"taskDefinition": "a", "overrides": {"containerOverrides": [{"name": "a"}, {"name": "b", "cpu": 1}]}},
            "overrides.containerOverrides[1].cpu",
        ),
        ({"taskDefinition": "a", "overrides": {"unheard": {"of": 1}}}, "overrides.unheard"),
    ],
)
def test_what_is_not_honoured_is_refused_by_name(gateway: AsgiClient, body: dict[str, Any], member: str) -> None:
    answer = gateway.json(ecs, "RunTask", json.dumps(body))
    sentence = f"Homeport does not support the parameter '{member}' of RunTask."
    assert error(answer) == (400, "InvalidParameterException", sentence)


def test_a_nested_member_that_a_handler_needs_is_asked_for(gateway: AsgiClient) -> None:
    answer = gateway.json(ecs, "RunTask", '{"taskDefinition":"a","overrides":{"containerOverrides":[{}]}}')
    assert error(answer)[2] == (
        "1 validation error detected: Value null at 'overrides.containerOverrides.1.member.name' "
        "failed to satisfy constraint: Member must not be null"
    )


def test_an_argument_without_default_is_asked_for_though_the_model_does_not(gateway: AsgiClient) -> None:
    assert "Value null at 'clusterName'" in error(gateway.json(ecs, "CreateCluster", "{}"))[2]


def test_the_wrong_type_is_a_serialisation_error(gateway: AsgiClient) -> None:
    answer = gateway.json(ecs, "RunTask", '{"taskDefinition":5}')
    assert error(answer) == (
        400,
        "SerializationException",
        "NUMBER_VALUE can not be converted to a String at 'taskDefinition'",
    )


@pytest.mark.parametrize(
    ("ask", "code", "message"),
    [
        (
            lambda g: g.json(ecs, "CreateService", "{}"),
            "UnknownOperationException",
            "Homeport does not implement ecs:CreateService yet.",
        ),
        (
            lambda g: g.json(ecs, "MakeCoffee", "{}"),
            "UnknownOperationException",
            "ecs has no operation MakeCoffee.",
        ),
        (
            lambda g: g.form(ec2, "RunInstances"),
            "InvalidAction",
            "Homeport does not implement ec2:RunInstances yet.",
        ),
        (
            lambda g: g.signed("dynamodb", b"{}", {"x-amz-target": "DynamoDB_20120810.ListTables"}),
            "UnknownOperationException",
            "Homeport does not implement dynamodb:ListTables yet.",
        ),
        (
            lambda g: g.signed("ecs", b"{}", {"x-amz-target": "DynamoDB_20120810.ListTables"}),
            "UnknownOperationException",
            "DynamoDB_20120810 is not the service that the request is signed for.",
        ),
        (
            lambda g: g.signed(
                "sts",
                b"Action=GetCallerIdentity&Version=1999-01-01",
                {"content-type": "application/x-www-form-urlencoded"},
            ),
            "InvalidAction",
            "Could not find operation GetCallerIdentity for version 1999-01-01",
        ),
        (
            lambda g: g.signed("lambda", method="DELETE", path="/2015-03-31/functions/web"),
            "UnknownOperationException",
            "Homeport does not implement lambda:DeleteFunction yet.",
        ),
        (
            lambda g: g.signed("lambda", method="GET", path="/coffee"),
            "UnknownOperationException",
            "lambda has no operation at GET /coffee.",
        ),
        (
            lambda g: g.signed("s3", method="GET", path="/bucket"),
            "UnknownOperationException",
            "Homeport does not implement s3:GET /bucket yet.",
        ),
    ],
)
def test_what_does_not_exist_is_refused_by_name(gateway: AsgiClient, ask: Any, code: str, message: str) -> None:
    assert error(ask(gateway)) == (400, code, message)


def test_the_model_knows_an_error_s_status(gateway: AsgiClient) -> None:
    answer = gateway.signed("lambda", method="GET", path="/2015-03-31/functions/")
    assert error(answer) == (404, "ResourceNotFoundException", "Where?")


ASK = {
    "json": lambda g, **options: g.json(ecs, "ListClusters", "{}", **options),
    "query": lambda g, **options: g.form(elbv2, "DescribeLoadBalancers", **options),
    "ec2": lambda g, **options: g.form(ec2, "DescribeVpcs", **options),
    "rest-json": lambda g, **options: g.signed("lambda", method="GET", path="/2015-03-31/functions/", **options),
    "rest-xml": lambda g, **options: g.signed("route53", method="GET", path="/2013-04-01/hostedzone", **options),
}


@pytest.mark.parametrize(
    ("protocol", "status", "code", "action"),
    [
        ("json", 400, "AccessDeniedException", "ecs:ListClusters"),
        ("query", 403, "AccessDenied", "elasticloadbalancing:DescribeLoadBalancers"),
        ("ec2", 403, "UnauthorizedOperation", "ec2:DescribeVpcs"),
        ("rest-json", 400, "AccessDeniedException", "lambda:ListFunctions"),
        ("rest-xml", 403, "AccessDenied", "route53:ListHostedZones"),
    ],
)
def test_nobody_but_root_may_do_anything(
    gateway: AsgiClient, protocol: str, status: int, code: str, action: str
) -> None:
    sentence = (
        f"User: {USER.principal.arn} is not authorized to perform: {action} on resource: * "
        f"because no identity-based policy allows the {action} action"
    )
    got = error(ASK[protocol](gateway, credential=USER))
    assert got[:2] == (status, code)
    assert got[2].endswith(sentence)


def test_anybody_may_ask_who_they_are(gateway: AsgiClient) -> None:
    assert USER.principal.arn in gateway.form(sts, "GetCallerIdentity", credential=USER).text


INVALID = "The security token included in the request is invalid."
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
EC2_FAILURE = "AWS was not able to validate the provided access credentials"


@pytest.mark.parametrize(
    ("protocol", "unknown_key", "wrong_secret"),
    [
        ("json", (400, "UnrecognizedClientException", INVALID), (400, "InvalidSignatureException", MISMATCH)),
        ("query", (403, "InvalidClientTokenId", INVALID), (403, "SignatureDoesNotMatch", MISMATCH)),
        ("ec2", (401, "AuthFailure", EC2_FAILURE), (401, "AuthFailure", EC2_FAILURE)),
        ("rest-json", (400, "UnrecognizedClientException", INVALID), (400, "InvalidSignatureException", MISMATCH)),
        ("rest-xml", (403, "InvalidClientTokenId", INVALID), (403, "SignatureDoesNotMatch", MISMATCH)),
    ],
)
def test_a_key_must_be_known_and_its_secret_right(
    gateway: AsgiClient, protocol: str, unknown_key: Any, wrong_secret: Any
) -> None:
    nobody = Credential("AKIANOBODY", "x", ROOT.principal)
    assert error(ASK[protocol](gateway, credential=nobody)) == unknown_key
    forged = Credential(ROOT.access_key_id, "guessed", ROOT.principal)
    assert error(ASK[protocol](gateway, credential=forged)) == wrong_secret


def test_temporary_keys_need_their_token_and_end(gateway: AsgiClient) -> None:
    temporary = Credential("ASIATEMP", "s", ROOT.principal, session_token="token", expires_at=gateway.clock.now() + 60)
    gateway.keys.known["ASIATEMP"] = temporary
    assert ASK["query"](gateway, credential=temporary).status == 200
    without = Credential("ASIATEMP", "s", ROOT.principal)
    assert error(ASK["query"](gateway, credential=without))[1] == "InvalidClientTokenId"
    with_another = Credential("ASIATEMP", "s", ROOT.principal, session_token="another")
    assert error(ASK["query"](gateway, credential=with_another))[1] == "InvalidClientTokenId"
    gateway.clock.advance(60)
    expired = (403, "ExpiredToken", "The security token included in the request is expired")
    assert error(ASK["query"](gateway, credential=temporary)) == expired
    assert error(ASK["json"](gateway, credential=temporary))[1] == "ExpiredTokenException"


def test_a_clock_may_be_wrong_by_a_quarter_of_an_hour(gateway: AsgiClient) -> None:
    stamped = {"x-amz-date": "20231114T221320Z"}  # the fixed clock's start
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    headers = {"content-type": "application/x-www-form-urlencoded", **stamped}
    gateway.clock.advance(15 * 60)
    assert gateway.signed("sts", body, headers).status == 200
    gateway.clock.advance(1)
    assert error(gateway.signed("sts", body, headers)) == (
        403,
        "SignatureDoesNotMatch",
        "Signature expired: 20231114T221320Z is now earlier than 20231114T221321Z (20231114T222821Z - 15 min.)",
    )
    gateway.clock.advance(-30 * 60 - 2)
    assert error(gateway.signed("sts", body, headers))[2] == (
        "Signature not yet current: 20231114T221320Z is still later than 20231114T221319Z (20231114T215819Z + 15 min.)"
    )


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("x-amz-target", "A.B")], (400, "MissingAuthenticationTokenException", "Missing Authentication Token")),
        ([], (400, "MissingAuthenticationTokenException", "Missing Authentication Token")),
        (
            [("content-type", "application/x-www-form-urlencoded")],
            (403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
        ),
    ],
)
def test_an_unsigned_request_is_told_so(gateway: AsgiClient, headers: Any, expected: Any) -> None:
    assert error(gateway.send(headers=headers, body=b"Action=GetCallerIdentity&Version=2011-06-15")) == expected


def test_health_needs_no_signature(gateway: AsgiClient) -> None:
    answer = gateway.send("GET", "/healthz")
    assert (answer.status, answer.body) == (200, b'{"status":"ok"}')


def test_a_store_that_does_not_answer_is_not_healthy(gateway: AsgiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OSError("disk gone")

    monkeypatch.setattr(gateway.database, "snapshot", broken)
    assert gateway.send("GET", "/healthz").status == 503


def test_a_compressed_body_is_read(gateway: AsgiClient) -> None:
    headers = {"x-amz-target": "AmazonEC2ContainerServiceV20141113.DescribeTasks", "content-encoding": "gzip"}
    assert gateway.signed("ecs", gzip.compress(b'{"tasks":["a"]}'), headers).status == 200
    bomb = gzip.compress(b" " * 20 * 1024 * 1024)
    for body in (bomb, b"not gzip", gzip.compress(b"{}")[:-4]):
        assert error(gateway.signed("ecs", body, headers))[:2] == (400, "SerializationException")
    headers["content-encoding"] = "br"
    assert error(gateway.signed("ecs", b"", headers))[2] == "the content encoding 'br' is not supported"


def test_bodies_in_memory_are_bounded_together_and_given_back(gateway: AsgiClient) -> None:
    intake = Intake(limit=1000)
    gateway.gateway._intake = intake
    assert gateway.send(body=[b"x" * 600, b"x" * 600]).status == 503
    assert intake.held == 0
    assert gateway.send(body=b"x" * 600).status == 400


def test_the_access_log_names_operation_status_and_request(
    gateway: AsgiClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "homeport.access")
    answer = gateway.json(ecs, "ListClusters", "{}", credential=USER)
    (line,) = [record.getMessage() for record in caplog.records if record.name == "homeport.access"]
    assert re.fullmatch(rf"POST ecs:ListClusters 400 \d+\.\dms {answer.headers['x-amzn-requestid']}", line)
