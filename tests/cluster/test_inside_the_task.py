"""What a task finds around itself: metadata, names, the API; and it agrees with what the API tells outside."""

import json
from typing import Any

import pytest
from tests.cluster.conftest import Lab, shell, until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def fetch(*paths: str) -> str:
    """Return a script that prints each answer on a line of its own, or what was refused."""
    return "; ".join(f"wget -q -O - {path} 2>/dev/null || echo null; echo" for path in paths)


def documents(lab: Lab, task: str) -> list[Any]:
    return [json.loads(line) for line in lab.lines(task, "main")]


def test_metadata_agrees_with_describe_tasks(lab: Lab) -> None:
    v4, v3 = "$ECS_CONTAINER_METADATA_URI_V4", "$ECS_CONTAINER_METADATA_URI"
    paths = (v4, f"{v4}/task", f"{v4}/stats", f"{v4}/task/stats", v3, f"{v3}/task", "http://169.254.170.2/v2/metadata")
    arn = lab.run(lab.define(shell(fetch(*paths) + "; sleep 100"), tags=[{"key": "team", "value": "web"}]))
    lab.running(arn)
    until("all answers", lambda: len(lab.lines(arn, "main")) == len(paths))
    task, interface = lab.describe(arn), lab.interface(arn)
    container, whole, stats, all_stats, container3, whole3, whole2 = documents(lab, arn)
    known = task["containers"][0]
    assert container["ContainerARN"] == known["containerArn"]
    assert container["DockerId"] == known["runtimeId"]
    assert container["Limits"] == {"CPU": 2, "Memory": 512}
    network = container["Networks"][0]
    assert network["IPv4Addresses"] == [interface["PrivateIpAddress"]]
    assert network["MACAddress"] == interface["MacAddress"]
    assert network["PrivateDNSName"] == interface["PrivateDnsName"]
    assert whole["VPCID"] == interface["VpcId"]
    for document in (whole, whole3, whole2):
        assert document["TaskARN"] == arn
        assert document["AvailabilityZone"] == task["availabilityZone"]
        assert f"{document['Family']}:{document['Revision']}" == task["taskDefinitionArn"].rsplit("/", 1)[1]
        assert document["Limits"] == {"CPU": 0.25, "Memory": 512}
        assert [part["DockerId"] for part in document["Containers"]] == [known["runtimeId"]]
    assert container3["DockerId"] == known["runtimeId"]
    assert 0 < stats["memory_stats"]["usage"] <= stats["memory_stats"]["limit"] == 512 * 1024 * 1024
    assert stats["cpu_stats"]["cpu_usage"]["total_usage"] > 0
    assert stats["networks"]["eth1"]["rx_packets"] > 0
    assert list(all_stats) == [known["runtimeId"]]


def test_there_are_no_credentials_and_the_api_wants_them(lab: Lab) -> None:
    call = (
        r"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonEC2ContainerServiceV20141113.ListClusters\r\n"
        r"Content-Type: application/x-amz-json-1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    )
    ask = r"printf 'GET /v2/credentials/x HTTP/1.0\r\n\r\n' | nc -w 60 169.254.170.2 80"
    api = f"e=${{AWS_ENDPOINT_URL#http://}}; printf '{call}' | nc -w 60 ${{e%:*}} ${{e#*:}}"
    lines = lab.output(shell(f"{ask}; echo; {api}"))
    text = "\n".join(lines)
    assert '"code":"InvalidIdInRequest"' in text
    assert '"__type":"MissingAuthenticationTokenException"' in text


def test_names_of_tasks_resolve_both_ways(lab: Lab) -> None:
    web = lab.run(lab.define({"name": "web", "stopTimeout": 2}))
    lab.running(web)
    name, address = lab.interface(web)["PrivateDnsName"], lab.address(web)
    text = "\n".join(
        lab.output(shell(f"nslookup {name}; nslookup {address}; nslookup none.ec2.internal; cat /etc/hosts"))
    )
    assert f"Address: {address}" in text
    assert f"name = {name}" in text
    assert "can't find none.ec2.internal: NXDOMAIN" in text
    assert "127.0.0.1 localhost" in text


def test_an_override_wins_over_the_definition(lab: Lab) -> None:
    main = shell("false", environment=[{"name": "A", "value": "1"}, {"name": "B", "value": "1"}])
    override = {"name": "main", "command": ["echo $A $B"], "environment": [{"name": "B", "value": "2"}]}
    task = lab.run(lab.define(main), overrides={"containerOverrides": [override], "cpu": "512", "memory": "1 GB"})
    ended = lab.stopped(task)
    assert lab.lines(task, "main") == ["1 2"]
    assert (ended["cpu"], ended["memory"]) == ("512", "1024")
