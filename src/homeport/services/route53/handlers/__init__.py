"""The operations of Route 53."""

from homeport.services.route53.handlers import associations, changes, record_sets, tags, zones

__all__ = ("associations", "changes", "record_sets", "tags", "zones")
