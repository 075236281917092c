"""CloudWatch is spoken in three protocols: newer SDKs choose CBOR, older ones JSON or query."""

import time

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from homeport.aws.model import load_model


@pytest.fixture(params=["smithy-rpc-v2-cbor", "json", "query"])
def spoken(request, api, monkeypatch):
    """Return a client that speaks one of the protocols only, as an SDK does that knows no other."""
    session = botocore.session.Session()
    loader = session.get_component("data_loader")
    load = loader.load_service_model

    def narrowed(service, type_name, api_version=None):
        found = load(service, type_name, api_version)
        if service == "cloudwatch" and type_name == "service-2":
            metadata = {**found["metadata"], "protocol": request.param, "protocols": [request.param]}
            found = {**found, "metadata": metadata}
        return found

    monkeypatch.setattr(loader, "load_service_model", narrowed)
    client = session.create_client(
        "cloudwatch",
        region_name=api.region,
        endpoint_url=api.url,
        aws_access_key_id="AKIAHOMEPORTROOT0001",
        aws_secret_access_key="root-secret-of-the-tests",
        config=Config(retries={"total_max_attempts": 1}),
    )
    assert client.meta.service_model.resolved_protocol == request.param
    yield client
    client.close()


def test_a_metric_makes_the_round_trip(spoken):
    now = int(time.time())
    dimensions = [{"Name": "Service", "Value": "wéb".encode("ascii", "ignore").decode()}]
    spoken.put_metric_data(
        Namespace="Test",
        MetricData=[
            {"MetricName": "m", "Dimensions": dimensions, "Timestamp": now, "Values": [1.5, 2.5], "Counts": [1, 3]}
        ],
    )
    (metric,) = spoken.list_metrics(Namespace="Test")["Metrics"]
    assert metric == {"Namespace": "Test", "MetricName": "m", "Dimensions": dimensions}
    span = {"StartTime": now - 60, "EndTime": now + 60}
    (point,) = spoken.get_metric_statistics(**metric, **span, Period=60, Statistics=["Sum", "SampleCount"])[
        "Datapoints"
    ]
    assert (point["Sum"], point["SampleCount"], point["Unit"]) == (9.0, 4.0, "None")
    (result,) = spoken.get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}], **span
    )["MetricDataResults"]
    assert result["Values"] == [9.0]
    assert result["Timestamps"] == [point["Timestamp"]]


def test_a_large_request_is_compressed_and_read(spoken):
    data = [{"MetricName": f"metric-{n:04}", "Value": float(n)} for n in range(1_000)]
    spoken.put_metric_data(Namespace="Large", MetricData=data)
    assert len(spoken.list_metrics(Namespace="Large")["Metrics"]) == 500


def test_an_error_has_its_query_code(spoken):
    with pytest.raises(ClientError) as caught:
        spoken.put_metric_data(Namespace="AWS/X", MetricData=[{"MetricName": "m", "Value": 1.0}])
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == (
        "InvalidParameterValue",
        "The value AWS/X for parameter Namespace is invalid.",
    )


def test_the_model_lists_no_other_protocol():
    assert set(load_model("cloudwatch").protocols) == {"smithy-rpc-v2-cbor", "json", "query"}
