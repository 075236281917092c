"""A load balancer is made through the API, and real requests go through it to real tasks."""

import socket
import ssl
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import boto3
import pytest
from tests.certificates import Authority, pem
from tests.cluster.conftest import Lab, until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


class Balancing:
    """One internet-facing load balancer, and what a test puts behind it."""

    def __init__(self, lab: Lab, kind: str = "application") -> None:
        self.lab = lab
        self.elb = boto3.client("elbv2")
        self.name = f"t-{uuid4().hex[:12]}"
        self.vpc = lab.subnets()[0]["VpcId"]
        self.front = lab.security_group(port=80)
        made = self.elb.create_load_balancer(
            Name=self.name,
            Subnets=[subnet["SubnetId"] for subnet in lab.subnets()[:2]],
            Type=kind,
            **({"SecurityGroups": [self.front]} if kind == "application" else {}),
        )
        self.arn = made["LoadBalancers"][0]["LoadBalancerArn"]
        self.groups: list[str] = []

    def target_group(self, *, targets: list[str], protocol: str = "HTTP") -> str:
        made = self.elb.create_target_group(
            Name=f"t-{uuid4().hex[:12]}",
            Protocol=protocol,
            HealthCheckProtocol="HTTP",
            Port=80,
            VpcId=self.vpc,
            TargetType="ip",
            HealthCheckPath="/healthz",
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=4,
            HealthyThresholdCount=2,
        )
        arn: str = made["TargetGroups"][0]["TargetGroupArn"]
        self.groups.append(arn)
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "2"}
        self.elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[delay])
        self.elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": address} for address in targets])
        return arn

    def addresses(self) -> list[str]:
        filters = [{"Name": "description", "Values": ["ELB " + self.arn.partition("loadbalancer/")[2]]}]
        found = self.lab.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        return [interface["Association"]["PublicIp"] for interface in found]

    def get(self, path: str = "/", host: str = "example.com") -> tuple[int, str]:
        """Ask the load balancer for a page; status 0 where it could not be asked."""
        request = urllib.request.Request(f"http://{self.addresses()[0]}{path}", headers={"Host": host})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()
        except OSError:
            return 0, ""

    def states(self, group: str) -> dict[str, str]:
        found = self.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return {shown["Target"]["Id"]: shown["TargetHealth"]["State"] for shown in found}

    def close(self) -> None:
        self.elb.delete_load_balancer(LoadBalancerArn=self.arn)
        for group in self.groups:
            self.elb.delete_target_group(TargetGroupArn=group)
        until("the addresses to be given back", lambda: not self.addresses())


@pytest.fixture
def balancing(lab: Lab) -> Iterator[Balancing]:
    made = Balancing(lab)
    yield made
    made.close()


def web(name: str) -> dict[str, Any]:
    """Return a container whose page says its name."""
    script = (
        f"mkdir -p /tmp/www && cd /tmp/www && echo {name} > index.html && echo ok > healthz && exec httpd -f -p 80 -h ."
    )
    return {"name": "web", "entryPoint": ["sh", "-c"], "command": [script], "stopTimeout": 2}


def test_requests_reach_both_tasks_and_none_that_is_deregistered(lab: Lab, balancing: Balancing) -> None:
    behind = lab.security_group()
    lab.ec2.authorize_security_group_ingress(
        GroupId=behind,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": balancing.front}]}
        ],
    )
    tasks = [lab.run(lab.define(web(name)), groups=[behind]) for name in ("one", "two")]
    for task in tasks:
        lab.running(task)
    first, second = (lab.address(task) for task in tasks)
    group = balancing.target_group(targets=[first, second])
    balancing.elb.create_listener(
        LoadBalancerArn=balancing.arn,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    waits = {"Delay": 1, "MaxAttempts": 180}
    balancing.elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[balancing.arn], WaiterConfig=waits)
    balancing.elb.get_waiter("target_in_service").wait(TargetGroupArn=group, WaiterConfig=waits)
    assert Counter(balancing.get() for _ in range(20)) == {(200, "one\n"): 10, (200, "two\n"): 10}

    balancing.elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": first}])
    until("the target to be gone", lambda: first not in balancing.states(group))
    assert Counter(balancing.get() for _ in range(10)) == {(200, "two\n"): 10}


def test_rules_decide_before_the_default(lab: Lab, balancing: Balancing) -> None:
    made = balancing.elb.create_listener(
        LoadBalancerArn=balancing.arn,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[
            {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "MessageBody": "nothing here"}}
        ],
    )
    listener = made["Listeners"][0]["ListenerArn"]

    def rule(priority: int, condition: dict[str, Any], body: str) -> str:
        action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "MessageBody": body}}
        arn: str = balancing.elb.create_rule(
            ListenerArn=listener, Priority=priority, Conditions=[condition], Actions=[action]
        )["Rules"][0]["RuleArn"]
        return arn

    by_path = rule(1, {"Field": "path-pattern", "Values": ["/api/*"]}, "path")
    rule(2, {"Field": "host-header", "Values": ["api.example.com"]}, "host")
    until("the listener to answer", lambda: balancing.get() == (404, "nothing here"))
    until("the rules", lambda: balancing.get("/", "api.example.com") == (200, "host"))
    assert balancing.get("/api/x", "api.example.com") == (200, "path")
    balancing.elb.delete_rule(RuleArn=by_path)
    until("the rule to be gone", lambda: balancing.get("/api/x") == (404, "nothing here"))


def test_https_is_answered_with_the_certificate_of_the_name_that_was_asked_for(balancing: Balancing) -> None:
    authority, acm = Authority(), boto3.client("acm")
    arns = []
    for name in ("example.com", "example.org"):
        made = authority.issue(name)
        arns.append(
            acm.import_certificate(Certificate=made.body, CertificateChain=made.chain, PrivateKey=made.key)[
                "CertificateArn"
            ]
        )
    balancing.lab.ec2.authorize_security_group_ingress(
        GroupId=balancing.front, IpProtocol="tcp", FromPort=443, ToPort=443, CidrIp="0.0.0.0/0"
    )
    listener = balancing.elb.create_listener(
        LoadBalancerArn=balancing.arn,
        Protocol="HTTPS",
        Port=443,
        SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
        Certificates=[{"CertificateArn": arns[0]}],
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
    )["Listeners"][0]["ListenerArn"]
    balancing.elb.add_listener_certificates(ListenerArn=listener, Certificates=[{"CertificateArn": arns[1]}])
    context = ssl.create_default_context(cadata=pem(authority.certificate).decode())

    def status(name: str) -> int:
        try:
            with (
                socket.create_connection((balancing.addresses()[0], 443), timeout=30) as plain,
                context.wrap_socket(plain, server_hostname=name) as secure,
            ):
                secure.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
                return int(secure.recv(4096).split()[1])
        except OSError:
            return 0

    def is_answered(name: str) -> bool:
        return status(name) == 200

    for name in ("example.com", "example.org"):
        until(f"{name} to be answered", partial(is_answered, name))
    assert status("example.net") == 0, "no certificate is for that name"
    balancing.elb.delete_listener(ListenerArn=listener)
    for arn in arns:
        acm.delete_certificate(CertificateArn=arn)


def test_a_network_load_balancer_without_groups_forwards_connections(lab: Lab) -> None:
    balancing = Balancing(lab, "network")
    behind = lab.security_group(port=80)
    task = lab.run(lab.define(web("one")), groups=[behind])
    lab.running(task)
    group = balancing.target_group(targets=[lab.address(task)], protocol="TCP")
    balancing.elb.create_listener(
        LoadBalancerArn=balancing.arn,
        Protocol="TCP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    until("the page", lambda: balancing.get() == (200, "one\n"))
    until("the target", lambda: set(balancing.states(group).values()) == {"healthy"})
    balancing.close()
