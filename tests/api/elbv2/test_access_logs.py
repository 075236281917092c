"""Access logs: which buckets are taken, what nodes are told, and how their files reach the bucket."""

import asyncio
import json
import re

import pytest
from tests.api.refusal import refusal

from homeport.aws.objects import NotStored, StoreAway
from homeport.services.elbv2.access_logs import take_file
from homeport.services.elbv2.reconcilers.access_logs import FIRST_REST, KEPT_SECONDS, Delivery
from homeport.services.elbv2.store import access_logs as store
from homeport.wire import balancing as wire

ACCOUNT = "123456789012"
DENIED = "Access Denied for bucket: {}. Please check S3bucket permission"


class Buckets:
    """A store in memory with some buckets; *away* is one that does not answer."""

    def __init__(self, *names: str) -> None:
        self.names = set(names)
        self.objects: dict[tuple[str, str], bytes] = {}
        self.away = False
        self.asked = 0
        self.meanwhile = lambda: None

    async def put(self, bucket: str, key: str, body: bytes) -> None:
        self.asked += 1
        await asyncio.to_thread(self.meanwhile)
        if self.away:
            raise StoreAway("nobody answers")
        if bucket not in self.names:
            raise NotStored("NoSuchBucket: there is none")
        self.objects[bucket, key] = body

    def close(self) -> None:
        """There is nothing to end."""


@pytest.fixture
def objects() -> Buckets:
    return Buckets("logs", "others")


def switch(**values):
    return [{"Key": f"access_logs.s3.{name}", "Value": value} for name, value in values.items()]


def shown(elb, arn):
    items = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    found = {item["Key"]: item["Value"] for item in items}
    return tuple(found[f"access_logs.s3.{name}"] for name in ("enabled", "bucket", "prefix"))


def file(item: wire.LoadBalancer, name: str = "abcd1234", body: bytes = b"zipped") -> wire.AccessLogFile:
    assert item.access_log is not None
    return wire.AccessLogFile(
        id=name,
        balancer=item.id,
        destination=item.access_log.destination,
        address="10.0.0.7",
        ended=1_700_000_100,
        body=body,
    )


def test_a_bucket_is_written_to_before_it_is_taken(elb, balancer, node, objects):
    arn = balancer()
    wanted = switch(enabled="true", bucket="logs", prefix="web/all")
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=wanted)
    assert shown(elb, arn) == ("true", "logs", "web/all")
    ((place, body),) = objects.objects.items()
    assert place == ("logs", f"web/all/AWSLogs/{ACCOUNT}/ELBAccessLogTestFile")
    id_ = arn.partition("loadbalancer/")[2]
    assert re.fullmatch(
        rf"Enable AccessLog for ELB: {id_} at \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z", body.decode()
    )
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=switch(prefix=""))
    assert ("logs", f"AWSLogs/{ACCOUNT}/ELBAccessLogTestFile") in objects.objects
    other = [{"Key": "idle_timeout.timeout_seconds", "Value": "5"}]
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=other)
    assert objects.asked == 2  # for what concerns it alone
    (item,) = node.has(wire.LoadBalancer)
    assert item.access_log.scope == f"arn:aws:elasticloadbalancing:us-east-1:{ACCOUNT}:"
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=switch(enabled="false"))
    (item,) = node.has(wire.LoadBalancer)
    assert (item.access_log, shown(elb, arn)) == (None, ("false", "logs", ""))


def test_a_bucket_that_cannot_be_written_to_is_refused(elb, balancer, objects):
    arn = balancer()

    def refused(**values):
        return refusal(elb.modify_load_balancer_attributes, LoadBalancerArn=arn, Attributes=switch(**values))

    assert refused(enabled="true") == ("ValidationError", "S3Bucket name cannot be empty")
    assert refused(enabled="true", bucket="none") == ("InvalidConfigurationRequest", DENIED.format("none"))
    assert refused(enabled="true", bucket="logs", prefix="a/AWSLogs")[0] == "InvalidConfigurationRequest"
    objects.away = True
    code, text = refused(enabled="true", bucket="logs")
    assert (code, "does not answer" in text) == ("InvalidConfigurationRequest", True)
    assert shown(elb, arn) == ("false", "", "")
    objects.away = False
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=switch(enabled="true", bucket="logs"))
    assert refused(bucket="none") == ("InvalidConfigurationRequest", DENIED.format("none"))
    assert shown(elb, arn) == ("true", "logs", "")


def test_others_write_while_a_bucket_is_asked(elb, balancer, objects):
    first, second = balancer("first"), balancer("second")
    idle = [{"Key": "idle_timeout.timeout_seconds", "Value": "7"}]
    objects.meanwhile = lambda: [
        elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=idle) for arn in (first, second)
    ]
    elb.modify_load_balancer_attributes(LoadBalancerArn=first, Attributes=switch(enabled="true", bucket="logs"))
    items = elb.describe_load_balancer_attributes(LoadBalancerArn=first)["Attributes"]
    assert {"Key": "idle_timeout.timeout_seconds", "Value": "7"} in items  # and what they wrote stays
    assert shown(elb, first)[0] == "true"


def test_network_load_balancers_and_other_logs_are_refused(elb, balancer, objects):
    net, app = balancer("net", Type="network"), balancer("app")
    for arn, name in (
        (net, "access_logs.s3.enabled"),
        (app, "connection_logs.s3.enabled"),
        (app, "health_check_logs.s3.enabled"),
    ):
        wanted = [{"Key": name, "Value": "true"}]
        code, text = refusal(elb.modify_load_balancer_attributes, LoadBalancerArn=arn, Attributes=wanted)
        assert (code, name in text) == ("InvalidConfigurationRequest", True)
    assert objects.asked == 0


def test_rules_and_certificates_are_named(elb, balancer, node, listener, group):
    web = group()
    arn = listener(web)
    elb.create_rule(
        ListenerArn=arn,
        Priority=7,
        Conditions=[{"Field": "path-pattern", "Values": ["/x"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": web}],
    )
    (item,) = node.has(wire.LoadBalancer)
    assert [rule.priority for rule in item.listeners[0].rules] == [7, 0]


class Logged:
    """A load balancer whose log goes to a bucket, and the server's end of it."""

    def __init__(self, api, elb, balancer, node, objects, place) -> None:
        arn = balancer()
        wanted = switch(enabled="true", bucket="logs", prefix="p")
        elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=wanted)
        (self.item,) = node.has(wire.LoadBalancer)
        self.api, self.clock, self.place = api, node.clock, place
        self.objects = objects
        objects.objects.clear()
        self.delivery = Delivery(api.database, node.clock, objects)
        self.name = arn.rpartition("/")[2]

    def send(self, *files: wire.AccessLogFile) -> None:
        for each in files:
            self.place.in_transaction(lambda tx, each=each: take_file(tx, each, self.clock.now()))

    def deliver(self) -> None:
        self.api.run(self.delivery.pass_())

    def waiting(self) -> int:
        (row,) = self.place.in_transaction(lambda tx: tx.fetch("SELECT COUNT(*) FROM elbv2_access_log_files"))
        return row[0]


@pytest.fixture
def logged(api, elb, balancer, node, objects, place) -> Logged:
    return Logged(api, elb, balancer, node, objects, place)


def test_files_are_called_as_on_aws(logged):
    logged.send(file(logged.item))
    logged.deliver()
    key = (
        f"p/AWSLogs/{ACCOUNT}/elasticloadbalancing/us-east-1/2023/11/14/"
        f"{ACCOUNT}_elasticloadbalancing_us-east-1_app.web.{logged.name}_20231114T2215Z_10.0.0.7_abcd1234.log.gz"
    )
    assert logged.objects.objects == {("logs", key): b"zipped"}
    assert logged.waiting() == 0
    logged.send(file(logged.item))  # said again: it is the same object
    logged.deliver()
    assert len(logged.objects.objects) == 1


def test_files_wait_for_a_store_that_is_away(logged):
    logged.objects.away = True
    logged.objects.asked = 0
    logged.send(*(file(logged.item, f"file{number}") for number in range(3)))
    logged.deliver()
    assert (logged.objects.asked, logged.waiting()) == (1, 3)  # the others need not be tried to know
    logged.objects.away = False
    logged.deliver()
    assert logged.waiting() == 1
    logged.clock.advance(FIRST_REST)
    logged.deliver()
    assert (logged.waiting(), len(logged.objects.objects)) == (0, 3)


def test_a_bucket_that_is_gone_holds_up_no_other(logged):
    gone = json.loads(logged.item.access_log.destination) | {"bucket": "gone"}
    lost = file(logged.item, "lost0000")
    lost = wire.AccessLogFile(
        id=lost.id, balancer=lost.balancer, destination=json.dumps(gone), address="10.0.0.7", ended=300, body=b"x"
    )
    logged.send(lost, file(logged.item))
    logged.deliver()
    assert (logged.waiting(), len(logged.objects.objects)) == (1, 1)
    asked = logged.objects.asked
    for pause, more in ((FIRST_REST - 1, 0), (1, 1), (FIRST_REST, 0), (FIRST_REST, 1)):  # later and later
        logged.clock.advance(pause)
        logged.deliver()
        asked += more
        assert logged.objects.asked == asked
    logged.clock.advance(KEPT_SECONDS + 1)
    logged.deliver()
    assert logged.waiting() == 0


def test_what_is_kept_has_a_limit(logged):
    logged.send(*(file(logged.item, f"file{number}", b"x" * 100) for number in range(5)))
    assert logged.place.in_transaction(lambda tx: store.make_room(tx, 250)) == 3
    logged.deliver()
    assert sorted(key.rpartition("_")[2] for _, key in logged.objects.objects) == ["file3.log.gz", "file4.log.gz"]


def test_a_file_from_nowhere_is_dropped(logged):
    stray = wire.AccessLogFile(id="a", balancer="b", destination="{}", address="10.0.0.1", ended=300, body=b"")
    logged.send(stray)
    assert logged.waiting() == 0
