"""AWS's shapes."""

from typing import Any

from homeport.services.cloudwatch.model import Metric


def metric_view(metric: Metric) -> dict[str, Any]:
    return {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions_view(metric)}


def dimensions_view(metric: Metric) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in metric.dimensions]
