"""The operations of CloudWatch, one module per resource; importing this package registers them all."""

from homeport.services.cloudwatch.handlers import alarms, data, history, metrics, statistics, tags

__all__ = ["alarms", "data", "history", "metrics", "statistics", "tags"]
