"""Metrics: what is published is read back, aggregated as AWS does, and nothing else is taken."""

import pytest

WEB = [{"Name": "Service", "Value": "web"}]


def put(cloudwatch, minute, *values, name="Load", **datum):
    for value in values:
        cloudwatch.put_metric_data(
            Namespace="Test",
            MetricData=[{"MetricName": name, "Dimensions": WEB, "Timestamp": minute, "Value": value, **datum}],
        )


def read(cloudwatch, minute, *, seconds=600, period=60, statistics=("Average",), name="Load", **arguments):
    found = cloudwatch.get_metric_statistics(
        Namespace="Test",
        MetricName=name,
        Dimensions=WEB,
        StartTime=minute,
        EndTime=minute + seconds,
        Period=period,
        Statistics=list(statistics),
        **arguments,
    )["Datapoints"]
    return [{**point, "Timestamp": int(point["Timestamp"].timestamp())} for point in found]


def test_samples_of_a_minute_are_one_datapoint(cloudwatch, minute):
    put(cloudwatch, minute + 5, 1.0, 2.0, 6.0, Unit="Count")
    statistics = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
    assert read(cloudwatch, minute, statistics=statistics) == [
        {
            "Timestamp": minute,
            "Unit": "Count",
            "SampleCount": 3.0,
            "Average": 3.0,
            "Sum": 9.0,
            "Minimum": 1.0,
            "Maximum": 6.0,
        }
    ]


def test_values_with_counts_and_statistic_sets_weigh_as_their_samples(cloudwatch, minute):
    metric = {"MetricName": "Load", "Dimensions": WEB, "Timestamp": minute}
    sums = {"SampleCount": 4, "Sum": 40, "Minimum": 5, "Maximum": 20}
    cloudwatch.put_metric_data(
        Namespace="Test",
        MetricData=[{**metric, "Values": [1, 2], "Counts": [3, 1]}, {**metric, "StatisticValues": sums}],
    )
    (point,) = read(cloudwatch, minute, statistics=("SampleCount", "Sum", "Minimum", "Maximum"))
    assert (point["SampleCount"], point["Sum"], point["Minimum"], point["Maximum"]) == (8, 45, 1, 20)


def test_percentiles_follow_from_values_and_not_from_statistic_sets(cloudwatch, minute):
    metric = {"MetricName": "Load", "Dimensions": WEB}
    cloudwatch.put_metric_data(
        Namespace="Test",
        MetricData=[
            {**metric, "Timestamp": minute, "Values": [float(n) for n in range(1, 101)]},
            {
                **metric,
                "Timestamp": minute + 60,
                "StatisticValues": {"SampleCount": 2, "Sum": 3, "Minimum": 1, "Maximum": 2},
            },
        ],
    )
    found = cloudwatch.get_metric_statistics(
        Namespace="Test",
        MetricName="Load",
        Dimensions=WEB,
        StartTime=minute,
        EndTime=minute + 120,
        Period=60,
        ExtendedStatistics=["p50", "p99.5", "p100"],
    )["Datapoints"]
    assert [point.get("ExtendedStatistics") for point in found] == [{"p50": 50.0, "p99.5": 100.0, "p100": 100.0}, None]


def test_periods_are_counted_from_the_start_that_was_asked_for(cloudwatch, minute):
    for offset in range(5):
        put(cloudwatch, minute + 60 * offset, float(offset))
    found = read(cloudwatch, minute + 60, seconds=240, period=180, statistics=("Sum",))
    assert [(point["Timestamp"] - minute, point["Sum"]) for point in found] == [(60, 6.0), (240, 4.0)]


def test_the_end_is_not_part_of_the_span(cloudwatch, minute):
    put(cloudwatch, minute + 600, 1.0)
    assert read(cloudwatch, minute, seconds=600) == []
    assert len(read(cloudwatch, minute, seconds=601)) == 1


def test_each_unit_is_a_datapoint_of_its_own(cloudwatch, minute):
    put(cloudwatch, minute, 1.0, Unit="Seconds")
    put(cloudwatch, minute, 5.0, Unit="Count")
    assert sorted(point["Unit"] for point in read(cloudwatch, minute)) == ["Count", "Seconds"]
    (point,) = read(cloudwatch, minute, Unit="Count")
    assert point["Average"] == 5.0


def test_high_resolution_is_kept_by_the_second_and_asked_for_by_the_minute(cloudwatch, minute):
    for second in (0, 1, 30):
        put(cloudwatch, minute + second, 1.0, StorageResolution=1)
    found = read(cloudwatch, minute, seconds=60, period=10, statistics=("Sum",))
    assert [(point["Timestamp"] - minute, point["Sum"]) for point in found] == [(0, 2.0), (30, 1.0)]
    (whole,) = read(cloudwatch, minute, seconds=60, statistics=("Sum",))
    assert whole["Sum"] == 3.0


def test_dimensions_make_the_metric_whatever_their_order(cloudwatch, minute):
    both = [{"Name": "A", "Value": "1"}, {"Name": "B", "Value": "2"}]
    for dimensions in (both, both[::-1], both[:1]):
        cloudwatch.put_metric_data(
            Namespace="Test", MetricData=[{"MetricName": "M", "Dimensions": dimensions, "Value": 1.0}]
        )
    found = cloudwatch.list_metrics(Namespace="Test")["Metrics"]
    assert sorted((metric["Dimensions"] for metric in found), key=len) == [both[:1], both]


def test_metrics_are_listed_by_name_and_dimension(cloudwatch):
    for namespace, name, service in (("A", "x", "web"), ("A", "y", "web"), ("A", "x", "api"), ("B", "x", "web")):
        cloudwatch.put_metric_data(
            Namespace=namespace,
            MetricData=[{"MetricName": name, "Dimensions": [{"Name": "Service", "Value": service}], "Value": 1.0}],
        )

    def listed(**arguments):
        found = cloudwatch.list_metrics(**arguments)["Metrics"]
        return [(m["Namespace"], m["MetricName"], m["Dimensions"][0]["Value"]) for m in found]

    assert listed() == [("A", "x", "api"), ("A", "x", "web"), ("A", "y", "web"), ("B", "x", "web")]
    assert listed(MetricName="x", Namespace="A") == [("A", "x", "api"), ("A", "x", "web")]
    assert listed(Dimensions=[{"Name": "Service", "Value": "api"}]) == [("A", "x", "api")]
    assert len(listed(Dimensions=[{"Name": "Service"}])) == 4
    assert listed(Dimensions=[{"Name": "Other"}]) == []


def test_a_listing_comes_in_pages_and_forgets_what_is_long_silent(cloudwatch, minute):
    for start in range(0, 1_200, 600):
        data = [{"MetricName": f"m{start + n:04}", "Value": 1.0} for n in range(600)]
        cloudwatch.put_metric_data(Namespace="Many", MetricData=data)
    pages = list(cloudwatch.get_paginator("list_metrics").paginate(Namespace="Many"))
    assert [len(page["Metrics"]) for page in pages] == [500, 500, 200]
    names = [metric["MetricName"] for page in pages for metric in page["Metrics"]]
    assert names == sorted({f"m{n:04}" for n in range(1_200)})
    cloudwatch.put_metric_data(
        Namespace="Old", MetricData=[{"MetricName": "m", "Value": 1.0, "Timestamp": minute - 4 * 3_600}]
    )
    assert len(cloudwatch.list_metrics(Namespace="Old")["Metrics"]) == 1
    assert cloudwatch.list_metrics(Namespace="Old", RecentlyActive="PT3H")["Metrics"] == []


def test_a_region_has_metrics_of_its_own(api, cloudwatch):
    cloudwatch.put_metric_data(Namespace="Test", MetricData=[{"MetricName": "m", "Value": 1.0}])
    assert api.client("cloudwatch", region="eu-west-1").list_metrics()["Metrics"] == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "MissingParameter"),
        ({"Value": 1.0, "Values": [1.0]}, "InvalidParameterCombination"),
        ({"Value": 1.0, "Counts": [1.0]}, "InvalidParameterCombination"),
        ({"Values": []}, "MissingParameter"),
        ({"Values": [1.0, 2.0], "Counts": [1.0]}, "InvalidParameterValue"),
        ({"Values": [1.0], "Counts": [0.0]}, "InvalidParameterValue"),
        ({"Values": [1.0] * 151}, "InvalidParameterValue"),
        ({"Value": float("nan")}, "InvalidParameterValue"),
        ({"Value": float("inf")}, "InvalidParameterValue"),
        ({"Value": 2.0**361}, "InvalidParameterValue"),
        ({"Value": 1.0, "StorageResolution": 5}, "InvalidParameterValue"),
        ({"Value": 1.0, "Timestamp": 0}, "InvalidParameterValue"),
        ({"Value": 1.0, "Timestamp": 4_000_000_000}, "InvalidParameterValue"),
        ({"Value": 1.0, "Unit": "Parsec"}, "ValidationError"),
        ({"Value": 1.0, "Dimensions": [{"Name": "A", "Value": " "}]}, "InvalidParameterValue"),
        ({"Value": 1.0, "Dimensions": [{"Name": "A", "Value": "1"}] * 2}, "InvalidParameterValue"),
        ({"Value": 1.0, "Dimensions": [{"Name": str(n), "Value": "1"} for n in range(31)]}, "ValidationError"),
        ({"StatisticValues": {"SampleCount": 0, "Sum": 0, "Minimum": 0, "Maximum": 0}}, "InvalidParameterValue"),
        ({"StatisticValues": {"SampleCount": 1, "Sum": 0, "Minimum": 1, "Maximum": 0}}, "InvalidParameterValue"),
    ],
)
def test_a_wrong_datum_is_refused_and_nothing_of_its_request_is_stored(cloudwatch, refused, change, code):
    data = [{"MetricName": "good", "Value": 1.0}, {"MetricName": "bad", **change}]
    assert refused(cloudwatch.put_metric_data, Namespace="Test", MetricData=data)[0] == code
    assert cloudwatch.list_metrics()["Metrics"] == []


def test_aws_s_namespaces_are_aws_s_and_a_request_has_a_thousand_data(cloudwatch, refused):
    datum = {"MetricName": "m", "Value": 1.0}
    assert refused(cloudwatch.put_metric_data, Namespace="AWS/ECS", MetricData=[datum]) == (
        "InvalidParameterValue",
        "The value AWS/ECS for parameter Namespace is invalid.",
    )
    assert refused(cloudwatch.put_metric_data, Namespace="Test", MetricData=[datum] * 1_001) == (
        "InvalidParameterValue",
        "The collection MetricData must not have a size greater than 1000.",
    )


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"Period": 45}, "InvalidParameterValue"),
        ({"Period": 90}, "InvalidParameterValue"),
        ({"Statistics": []}, "MissingParameter"),
        ({"StartTime": 2_000, "EndTime": 2_000}, "ValidationError"),
        ({"ExtendedStatistics": ["tm99"]}, "InvalidParameterValue"),
        ({"ExtendedStatistics": ["p101"]}, "InvalidParameterValue"),
        ({"StartTime": 0, "EndTime": 60 * 1_441}, "InvalidParameterCombination"),
    ],
)
def test_a_wrong_question_is_refused(api, refused, change, error):
    arguments = {
        "Namespace": "Test",
        "MetricName": "m",
        "StartTime": 0,
        "EndTime": 600,
        "Period": 60,
        "Statistics": ["Sum"],
        **change,
    }
    if not arguments["Statistics"]:
        del arguments["Statistics"]
    cloudwatch = api.client("cloudwatch", validate=False)
    assert refused(cloudwatch.get_metric_statistics, **arguments)[0] == error
