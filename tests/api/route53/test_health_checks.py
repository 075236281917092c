"""Health checks: what they may be, what nodes are told of them, and what comes back."""

import pytest
from tests.api.route53.conftest import record

from homeport.kit.clock import SystemClock
from homeport.kit.ids import RandomIds
from homeport.services.route53.observe import observe_check
from homeport.services.route53.reconcilers import alarms
from homeport.wire.messages import CheckObserved, EndpointCheck

HTTP = {"Type": "HTTP", "IPAddress": "198.18.0.9", "Port": 8080, "ResourcePath": "/health"}


@pytest.fixture
def make_check(route53, vpc):
    count = iter(range(1_000_000))

    def make(**config):
        made = route53.create_health_check(
            CallerReference=f"check-{next(count)}",
            HealthCheckConfig={**HTTP, **config} if "Type" not in config else config,
        )
        return made["HealthCheck"]["Id"]

    return make


def test_a_check_is_shown_with_its_defaults(route53, vpc):
    made = route53.create_health_check(CallerReference="once", HealthCheckConfig=HTTP)
    check = made["HealthCheck"]
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["Location"].endswith(check["Id"])
    assert check["HealthCheckVersion"] == 1
    assert check["HealthCheckConfig"] == HTTP | {
        "Inverted": False,
        "Disabled": False,
        "RequestInterval": 30,
        "FailureThreshold": 3,
        "MeasureLatency": False,
        "EnableSNI": False,
    }
    assert route53.get_health_check(HealthCheckId=check["Id"])["HealthCheck"] == check
    assert route53.get_health_check_count()["HealthCheckCount"] == 1


def test_a_caller_reference_makes_one_check(route53, vpc, refused):
    first = route53.create_health_check(CallerReference="once", HealthCheckConfig=HTTP)["HealthCheck"]
    assert route53.create_health_check(CallerReference="once", HealthCheckConfig=HTTP)["HealthCheck"] == first
    other = HTTP | {"Port": 81}
    code, _ = refused(route53.create_health_check, CallerReference="once", HealthCheckConfig=other)
    assert code == "HealthCheckAlreadyExists"


@pytest.mark.parametrize(
    "config",
    [
        {"Type": "CLOUDWATCH_METRIC", "AlarmIdentifier": {"Region": "us-east-1", "Name": "none"}},
        {"Type": "CLOUDWATCH_METRIC"},
        {"Type": "HTTP", "IPAddress": "198.18.0.9", "AlarmIdentifier": {"Region": "us-east-1", "Name": "a"}},
        {"Type": "RECOVERY_CONTROL"},
        {"Type": "HTTP"},
        {"Type": "TCP", "IPAddress": "198.18.0.9"},
        {"Type": "HTTP", "IPAddress": "10.0.0.5"},
        {"Type": "HTTP", "IPAddress": "127.0.0.1"},
        {"Type": "HTTP", "IPAddress": "198.18.0.9", "SearchString": "x"},
        {"Type": "HTTP_STR_MATCH", "IPAddress": "198.18.0.9"},
        {"Type": "HTTP", "IPAddress": "198.18.0.9", "RequestInterval": 20},
        {"Type": "HTTP", "IPAddress": "198.18.0.9", "MeasureLatency": True},
        {"Type": "HTTP", "FullyQualifiedDomainName": "a..b"},
        {"Type": "CALCULATED", "HealthThreshold": 1},
        {"Type": "CALCULATED", "ChildHealthChecks": ["x"], "Port": 80},
    ],
)
def test_what_cannot_be_checked_is_refused(route53, vpc, refused, config):
    assert refused(route53.create_health_check, CallerReference="r", HealthCheckConfig=config)[0] == "InvalidInput"


def test_a_reckoned_check_needs_checks_that_exist(route53, make_check, refused):
    config = {"Type": "CALCULATED", "ChildHealthChecks": ["none"], "HealthThreshold": 1}
    code, _ = refused(route53.create_health_check, CallerReference="r", HealthCheckConfig=config)
    assert code == "NoSuchHealthCheck"
    made = make_check(**config | {"ChildHealthChecks": [make_check()]})
    shown = route53.get_health_check(HealthCheckId=made)["HealthCheck"]["HealthCheckConfig"]
    assert shown["HealthThreshold"] == 1
    assert "Port" not in shown


@pytest.mark.parametrize(
    ("insufficient", "inverted", "expected"),
    [
        ("Healthy", False, [True, False, True]),
        ("Unhealthy", False, [True, False, False]),
        ("LastKnownStatus", False, [True, False, False]),
        ("Healthy", True, [False, True, False]),
    ],
)
def test_a_check_goes_by_its_alarm(api, route53, make_check, fleet, insufficient, inverted, expected):
    fleet.join()
    cloudwatch = api.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="slow",
        Namespace="App",
        MetricName="Latency",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    config = {
        "Type": "CLOUDWATCH_METRIC",
        "AlarmIdentifier": {"Region": "us-east-1", "Name": "slow"},
        "InsufficientDataHealthStatus": insufficient,
        "Inverted": inverted,
    }
    check = make_check(**config)
    shown = route53.get_health_check(HealthCheckId=check)["HealthCheck"]["HealthCheckConfig"]
    assert shown == config | {"Disabled": False}
    decided = []
    for state in ("OK", "ALARM", "INSUFFICIENT_DATA"):
        cloudwatch.set_alarm_state(AlarmName="slow", StateValue=state, StateReason="said so")
        api.run(alarms.one_pass(api.database, SystemClock(), RandomIds(), lambda _: None))
        fleet.tell()
        decided.append(fleet.items("EndpointCheck")[0].decided)
    assert decided == expected
    assert route53.update_health_check(HealthCheckId=check, Disabled=True)["HealthCheck"]["HealthCheckVersion"] == 2
    fleet.tell()
    assert fleet.items("EndpointCheck")[0].decided is not inverted


def test_an_update_counts_versions_and_wants_the_present_one(route53, make_check, refused):
    check = make_check()
    updated = route53.update_health_check(
        HealthCheckId=check, HealthCheckVersion=1, FailureThreshold=1, Inverted=True, ResetElements=["ResourcePath"]
    )["HealthCheck"]
    assert updated["HealthCheckVersion"] == 2
    config = updated["HealthCheckConfig"]
    assert (config["FailureThreshold"], config["Inverted"], "ResourcePath" in config) == (1, True, False)
    code, _ = refused(route53.update_health_check, HealthCheckId=check, HealthCheckVersion=1, Disabled=True)
    assert code == "HealthCheckVersionMismatch"
    assert refused(route53.update_health_check, HealthCheckId=check, IPAddress="10.0.0.1")[0] == "InvalidInput"


def test_checks_are_listed_in_pages_and_tagged(route53, make_check):
    made = {make_check() for _ in range(5)}
    pages = list(route53.get_paginator("list_health_checks").paginate(PaginationConfig={"PageSize": 2}))
    assert {check["Id"] for page in pages for check in page["HealthChecks"]} == made
    assert len(pages) == 3
    target = {"ResourceType": "healthcheck", "ResourceId": made.pop()}
    route53.change_tags_for_resource(**target, AddTags=[{"Key": "a", "Value": "1"}])
    assert route53.list_tags_for_resource(**target)["ResourceTagSet"]["Tags"] == [{"Key": "a", "Value": "1"}]


def test_nodes_are_told_of_checks_and_that_they_are_gone(route53, make_check, fleet):
    fleet.join("n1")
    check = make_check(Type="HTTPS_STR_MATCH", FullyQualifiedDomainName="a.test", SearchString="ok", RequestInterval=10)
    fleet.tell()
    fleet.join("n2")
    fleet.tell()
    expected = EndpointCheck(
        id=check, probe="HTTPS", name="a.test", port=443, search="ok", interval=10, server_name=True
    )
    assert fleet.items("EndpointCheck", "n1") == fleet.items("EndpointCheck", "n2") == [expected]
    route53.delete_health_check(HealthCheckId=check)
    fleet.tell()
    assert fleet.items("EndpointCheck") == []


def test_record_sets_name_checks_that_exist(route53, make_zone, make_check, change, refused, fleet):
    fleet.join()
    zone, check = make_zone(), make_check()
    content = record("w.example.com", "A", "192.0.2.1", SetIdentifier="a", Weight=1, HealthCheckId=check)
    unknown = content | {"HealthCheckId": "none"}
    assert refused(change, zone, ("CREATE", unknown))[0] == "NoSuchHealthCheck"
    change(zone, ("CREATE", content))
    shown = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"][2]
    assert shown["HealthCheckId"] == check
    fleet.tell()
    assert [item.health_check for item in fleet.items("RecordSet") if item.kind == "A"] == [check]
    route53.delete_health_check(HealthCheckId=check)
    change(zone, ("DELETE", content))


def test_what_nodes_find_is_shown_the_latest_and_the_last_failure(api, route53, make_check):
    check = make_check()

    def report(sequence: int, status: str, *, healthy: bool) -> None:
        found = CheckObserved(
            check=check, sequence=sequence, healthy=healthy, status=status, checked_at=1_700_000_000.0 + sequence
        )

        async def observe() -> None:
            async with api.database.transaction() as tx:
                await observe_check(tx, "n1", found)

        api.run(observe())

    assert route53.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"] == []
    report(1, "Failure: Connection refused", healthy=True)
    report(3, "Success: HTTP Status Code 200, OK", healthy=True)
    report(2, "Failure: late", healthy=False)
    (latest,) = route53.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"]
    assert latest["StatusReport"]["Status"] == "Success: HTTP Status Code 200, OK"
    assert latest["StatusReport"]["CheckedTime"].timestamp() == 1_700_000_003
    (failed,) = route53.get_health_check_last_failure_reason(HealthCheckId=check)["HealthCheckObservations"]
    assert failed["StatusReport"]["Status"] == "Failure: Connection refused"
    route53.delete_health_check(HealthCheckId=check)
    report(9, "Success: of a check that is gone", healthy=True)
