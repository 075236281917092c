"""The operations of CloudWatch, one module per resource; importing this package registers them all."""

from homeport.services.cloudwatch.handlers import data, metrics, statistics

__all__ = ["data", "metrics", "statistics"]
