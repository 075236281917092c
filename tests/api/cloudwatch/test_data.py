"""GetMetricData: metrics and expressions over them."""

import pytest


@pytest.fixture
def two(cloudwatch, minute):
    """Publish metric a: 1, 2, -, 4 and metric b: 10, -, -, 40, a minute apart."""
    points = [("a", 0, 1.0), ("a", 1, 2.0), ("a", 3, 4.0), ("b", 0, 10.0), ("b", 3, 40.0)]
    cloudwatch.put_metric_data(
        Namespace="Test",
        MetricData=[{"MetricName": n, "Timestamp": minute + 60 * at, "Value": value} for n, at, value in points],
    )


def stat(name, **more):
    return {
        "Id": name,
        "ReturnData": False,
        "MetricStat": {"Metric": {"Namespace": "Test", "MetricName": name}, "Period": 60, "Stat": "Average"},
        **more,
    }


@pytest.fixture
def ask(cloudwatch, minute):
    def ask(*queries, **arguments):
        return cloudwatch.get_metric_data(
            MetricDataQueries=list(queries),
            **{"StartTime": minute, "EndTime": minute + 240, "ScanBy": "TimestampAscending", **arguments},
        )

    return ask


@pytest.fixture
def calculate(ask, minute):
    """Return what an expression over a and b comes to: the minute, the value."""

    def calculate(expression):
        (result,) = ask(stat("a"), stat("b"), {"Id": "e", "Expression": expression})["MetricDataResults"]
        times = [(int(moment.timestamp()) - minute) // 60 for moment in result["Timestamps"]]
        return dict(zip(times, result["Values"], strict=True))

    return calculate


def test_metrics_are_answered_in_either_order(two, ask, minute):
    asked = stat("a", ReturnData=True, Label="first")
    (result,) = ask(asked)["MetricDataResults"]
    assert (result["Id"], result["Label"], result["StatusCode"]) == ("a", "first", "Complete")
    assert result["Values"] == [1.0, 2.0, 4.0]
    (result,) = ask(asked, ScanBy="TimestampDescending")["MetricDataResults"]
    assert result["Values"] == [4.0, 2.0, 1.0]
    assert [int(moment.timestamp()) - minute for moment in result["Timestamps"]] == [180, 60, 0]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a + b", {0: 11, 3: 44}),
        ("b / a - 2 * 3", {0: 4, 3: 4}),
        ("-a ^ 2", {0: -1, 1: -4, 3: -16}),
        ("(a + 1) * 2", {0: 4, 1: 6, 3: 10}),
        ("100 / (a - 1)", {1: 100, 3: 100 / 3}),
        ("a > 1", {0: 0, 1: 1, 3: 1}),
        ("a > 1 AND b > 20", {0: 0, 3: 1}),
        ("SUM([a, b])", {0: 11, 1: 2, 3: 44}),
        ("AVG(METRICS())", {0: 5.5, 1: 2, 3: 22}),
        ('MAX(METRICS("b"))', {0: 10, 3: 40}),
        ("a / MAX(a)", {0: 0.25, 1: 0.5, 3: 1}),
        ("a - MIN(b)", {0: -9, 1: -8, 3: -6}),
        ("FILL(b, 0)", {0: 10, 1: 0, 2: 0, 3: 40}),
        ("FILL(b, REPEAT)", {0: 10, 1: 10, 2: 10, 3: 40}),
        ("FILL(b, LINEAR)", {0: 10, 1: 20, 2: 30, 3: 40}),
        ("IF(a > 1, a, 0)", {0: 0, 1: 2, 3: 4}),
        ("IF(a > 1, b)", {3: 40}),
        ("a / PERIOD(a)", {0: 1 / 60, 1: 2 / 60, 3: 4 / 60}),
        ("DIFF(a)", {1: 1, 3: 2}),
        ("RATE(a)", {1: 1 / 60, 3: 1 / 60}),
        ("RUNNING_SUM(a)", {0: 1, 1: 3, 3: 7}),
        ("TIME_SERIES(7)", {0: 7, 1: 7, 2: 7, 3: 7}),
        ("ABS(0 - a)", {0: 1, 1: 2, 3: 4}),
    ],
)
def test_expressions_come_to(two, calculate, expression, expected):
    assert calculate(expression) == pytest.approx(expected)


def test_an_array_is_answered_series_by_series_and_expressions_build_on_one_another(two, ask):
    results = ask({"Id": "e2", "Expression": "[e1, b * 2]"}, {"Id": "e1", "Expression": "a * 3"}, stat("a"), stat("b"))[
        "MetricDataResults"
    ]
    assert [(result["Id"], result["Values"]) for result in results] == [
        ("e2", [3.0, 6.0, 12.0]),
        ("e2", [20.0, 80.0]),
        ("e1", [3.0, 6.0, 12.0]),
    ]


def test_pages_hold_as_many_datapoints_as_asked_for(two, ask, cloudwatch, minute):
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[stat("a", ReturnData=True), stat("b", ReturnData=True)],
        StartTime=minute,
        EndTime=minute + 240,
        ScanBy="TimestampAscending",
        MaxDatapoints=2,
    )
    found = [[(r["Id"], r["StatusCode"], r["Values"]) for r in page["MetricDataResults"]] for page in pages]
    assert found == [
        [("a", "PartialData", [1.0, 2.0])],
        [("a", "Complete", [4.0]), ("b", "PartialData", [10.0])],
        [("b", "Complete", [40.0])],
    ]


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "a +",
        "a b",
        "(a",
        "nothing",
        "SEARCH('x', 'Sum')",
        "SUM(a)",
        "1 + 1",
        "e",
        "'text'",
        "FILL(a)",
        "a $ b",
        "(" * 60 + "a" + ")" * 60,
    ],
)
def test_what_is_no_series_is_refused(two, api, ask, refused, expression, minute):
    cloudwatch = api.client("cloudwatch", validate=False)
    code, message = refused(
        cloudwatch.get_metric_data,
        MetricDataQueries=[stat("a"), {"Id": "e", "Expression": expression}],
        StartTime=minute,
        EndTime=minute + 240,
    )
    assert code == "ValidationError", message


@pytest.mark.parametrize(
    "queries",
    [
        [stat("a"), stat("a")],
        [{"Id": "A", "Expression": "1"}],
        [{"Id": "a"}],
        [stat("a", Expression="1")],
        [stat("a", Period=60)],
        [{"Id": "e", "Expression": "f"}, {"Id": "f", "Expression": "e"}],
        [stat("a", AccountId="123456789012")],
        [stat("a", Label="${MAX}")],
    ],
)
def test_wrong_queries_are_refused(ask, refused, queries):
    code, _ = refused(ask) if not queries else refused(lambda: ask(*queries))
    assert code in ("ValidationError", "InvalidParameterValue")


def test_an_expression_cannot_ask_for_more_periods_than_an_answer_holds(two, ask, refused, minute):
    queries = [stat("a"), {"Id": "e", "Expression": "FILL(a, 0)"}]
    code, message = refused(lambda: ask(*queries, StartTime=0))
    assert (code, "100800 periods" in message) == ("ValidationError", True)


def test_arrays_cannot_grow_without_bounds(two, ask, refused):
    queries = [stat("a"), {"Id": "e0", "Expression": "[a, a, a, a]"}]
    queries += [{"Id": f"e{n + 1}", "Expression": f"[{', '.join([f'e{n}'] * 4)}]"} for n in range(20)]
    code, message = refused(lambda: ask(*queries))
    assert (code, "more than 500 time series" in message) == ("ValidationError", True)
