"""Wrong and hostile requests get a 4xx: never a 500, never an unbounded cost."""

import json
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.asgi_client import Answer, AsgiClient, echoing

ECS, EC2, ELBV2 = echoing("ecs"), echoing("ec2"), echoing("elbv2")
ROUTE53, LAMBDA, CLOUD_MAP = echoing("route53"), echoing("lambda"), echoing("servicediscovery")

FEW = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsgiClient]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    client = AsgiClient(folder, [ECS, EC2, ELBV2, ROUTE53, LAMBDA, CLOUD_MAP])
    yield client
    client.close()


def judged(answer: Answer) -> bool:
    """Tell whether the request itself was judged, rather than its signature, and found good or bad."""
    return answer.status in (200, 400) and b"Signature" not in answer.body


def members_of(service: Any, operation: str) -> list[str]:
    return list(service.model.get_operation(operation).input.members)


@pytest.mark.slow
@FEW
@given(data=st.data())
def test_any_json_under_a_real_operation(gateway: AsgiClient, data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(["RunTask", "RegisterTaskDefinition", "CreateService", "ListTasks"]))
    names = st.sampled_from(members_of(ECS, operation)) | st.text(max_size=8)
    document = data.draw(st.dictionaries(names, json_values, max_size=5) | json_values)
    answer = gateway.json(ECS, operation, json.dumps(document))
    assert judged(answer)


@FEW
@given(body=st.binary(max_size=300), operation=st.sampled_from(["RunTask", "Nonsense", "", "../..", "é"]))
def test_any_bytes_as_json(gateway: AsgiClient, body: bytes, operation: str) -> None:
    assert judged(gateway.json(ECS, operation, body))


@FEW
@given(data=st.data())
def test_any_form_fields(gateway: AsgiClient, data: st.DataObject) -> None:
    service, operation = data.draw(
        st.sampled_from(
            [(EC2, "DescribeVpcs"), (EC2, "AuthorizeSecurityGroupIngress"), (ELBV2, "CreateRule"), (ELBV2, "AddTags")]
        )
    )
    part = st.sampled_from(
        [*members_of(service, operation), "member", "entry", "1", "2", "999999999", "0", "-1", "Filter", "Value"]
    )
    name = st.lists(part, min_size=1, max_size=6).map(".".join)
    value = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="&"), max_size=12)
    fields = data.draw(st.lists(st.tuples(name, value), max_size=6))
    answer = gateway.form(service, operation, "&".join(f"{key}={text}" for key, text in fields))
    assert judged(answer)


@FEW
@given(body=st.binary(max_size=200), operation=st.sampled_from(["CreateService", "DiscoverInstances", "Nonsense"]))
def test_any_bytes_as_cbor(gateway: AsgiClient, body: bytes, operation: str) -> None:
    answer = gateway.signed(
        "servicediscovery",
        body,
        {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"},
        path=f"/service/Route53AutoNaming_v20170314/operation/{operation}",
    )
    assert judged(answer)


xml_names = st.sampled_from(
    [
        "ChangeResourceRecordSetsRequest",
        "ChangeBatch",
        "Changes",
        "Change",
        "Action",
        "ResourceRecordSet",
        "Name",
        "TTL",
    ]
)
xml_trees = st.recursive(
    st.text(alphabet="abc019<&>; ", max_size=6),
    lambda inner: st.tuples(xml_names, st.lists(inner, max_size=3)).map(
        lambda pair: f"<{pair[0]}>{''.join(pair[1])}</{pair[0]}>"
    ),
    max_leaves=8,
)


@FEW
@given(body=st.binary(max_size=100) | xml_trees.map(str.encode))
def test_any_bytes_as_xml(gateway: AsgiClient, body: bytes) -> None:
    path = "/2013-04-01/hostedzone/Z1/rrset/"
    assert judged(gateway.signed("route53", body, path=path))


@FEW
@given(
    path=st.text(alphabet="/abc%20.{}functions-", max_size=30),
    query=st.text(alphabet="abcMarker=&+%ZZ", max_size=20),
    body=st.binary(max_size=40),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]),
)
def test_any_path_of_a_rest_service(gateway: AsgiClient, path: str, query: str, body: bytes, method: str) -> None:
    for prefix in ("", "/2015-03-31/functions/"):
        answer = gateway.signed("lambda", body, method=method, path=f"{prefix}/{path}", query=query)
        assert 200 <= answer.status < 500
        assert b"Signature" not in answer.body


header_values = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=255), max_size=80).map(
    lambda text: text.encode("latin-1")
)


@FEW
@given(
    headers=st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "authorization",
                    "content-length",
                    "content-type",
                    "date",
                    "host",
                    "smithy-protocol",
                    "transfer-encoding",
                    "x-amz-content-sha256",
                    "x-amz-date",
                    "x-amz-security-token",
                    "x-amz-target",
                ]
            ),
            header_values,
        ),
        max_size=6,
    ),
    query=st.text(alphabet="X-Amz-AlgorithmCredential=&%+/20251122", max_size=60),
    body=st.binary(max_size=60),
)
def test_any_headers(gateway: AsgiClient, headers: list[tuple[str, bytes]], query: str, body: bytes) -> None:
    answer = gateway.send(query=query, headers=headers, body=body)
    assert 400 <= answer.status < 500


BOMBS = {
    "deep lists": b"[" * 200_000,
    "deep structures": b'{"a":' * 100_000,
    "huge number": b'{"count":' + b"9" * 1_000_000 + b"}",
    "huge float": b'{"count":1e99999}',
    "NaN": b'{"count":NaN}',
    "not UTF-8": b'{"cluster":"\xff\xfe"}',
    "half a surrogate": b'{"cluster":"\\ud800"}',
    "a number too many": b'{"count":9223372036854775808}',
    "an unknown member": b'{"clustre":"web"}',
    "an unknown nested member": b'{"taskDefinition":"a","overrides":{"cpu":"1","gpus":2}}',
    "not an object": b'"cluster"',
    "two documents": b"{}{}",
}


#: Seconds of processor time: far over what any bomb takes, far under what one that explodes would.
EXPLOSION = 10


@pytest.mark.parametrize("body", BOMBS.values(), ids=BOMBS.keys())
def test_json_bombs_cost_little(gateway: AsgiClient, body: bytes) -> None:
    started = process_time()
    answer = gateway.json(ECS, "RunTask", body)
    assert answer.status == 400
    assert judged(answer)
    assert process_time() - started < EXPLOSION


XML_BOMBS = {
    "entities that multiply": b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>',
    "a file from outside": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
    "any document type": b"<!DOCTYPE x><x/>",
    "deep": b"<a>" * 100_000,
    "wide": b"<a>" + b"<b/>" * 200_000 + b"</a>",
    "another encoding": b'<?xml version="1.0" encoding="utf-7"?><a/>',
    "another root": b"<DeleteEverything/>",
}


@pytest.mark.slow
@pytest.mark.parametrize("body", XML_BOMBS.values(), ids=XML_BOMBS.keys())
def test_xml_bombs_are_refused(gateway: AsgiClient, body: bytes) -> None:
    started = process_time()
    answer = gateway.signed("route53", body, path="/2013-04-01/hostedzone/Z1/rrset/")
    assert answer.status == 400
    assert b"root:" not in answer.body
    assert process_time() - started < EXPLOSION


FORM_BOMBS = {
    "a list position of nine nines, alone": ("Filter.999999999.Name=a", 200),
    "a list position beyond counting": ("Filter.99999999999999999999.Name=a", 400),
    "a list position of nothing": ("Filter..Name=a", 400),
    "a value that is also a structure": ("Filter.1=a&Filter.1.Name=b", 400),
    "a parameter twice": ("DryRun=true&DryRun=false", 400),
    "a very deep name": (".".join(["Filter"] * 5000) + "=a", 400),
    "ten thousand parameters more than anyone needs": ("&".join(f"VpcId.{n}=a" for n in range(1, 20_001)), 400),
    "not UTF-8": ("Filter.1.Name=%ff", 400),
    "not a number": ("MaxResults=1e3", 400),
    "a digit of another script": ("MaxResults=٣", 400),
    "not a boolean": ("DryRun=maybe", 400),
}


@pytest.mark.parametrize(("fields", "status"), FORM_BOMBS.values(), ids=FORM_BOMBS.keys())
def test_form_bombs_cost_little(gateway: AsgiClient, fields: str, status: int) -> None:
    started = process_time()
    assert gateway.form(EC2, "DescribeVpcs", fields).status == status
    assert process_time() - started < EXPLOSION


def test_cbor_lengths_are_not_believed(gateway: AsgiClient) -> None:
    for body in (
        b"\x9b" + b"\xff" * 8,
        b"\xbb" + b"\x7f" * 8,
        b"\x5b" + b"\xff" * 8,
        b"\x81" * 100_000,
        b"\x9f" * 100_000,
    ):
        answer = gateway.signed(
            "servicediscovery",
            body,
            {"smithy-protocol": "rpc-v2-cbor"},
            path="/service/Route53AutoNaming_v20170314/operation/CreateService",
        )
        assert answer.status == 400


def test_a_body_beyond_the_limit_is_refused_unread(gateway: AsgiClient) -> None:
    announced = gateway.send(headers=[("content-length", str(17 * 1024 * 1024))])
    assert announced.status == 413
    assert announced.headers["connection"] == "close"
    arriving = gateway.send(body=[b"x" * 1024 * 1024] * 20)
    assert arriving.status == 413


def test_a_url_beyond_the_limit_is_refused(gateway: AsgiClient) -> None:
    assert gateway.send("GET", query="a" * 100_000).status == 414
