"""The operations of CloudWatch Logs, one module per resource; importing this package registers them all."""

from homeport.services.logs.handlers import events, groups, streams, tags

__all__ = ["events", "groups", "streams", "tags"]
