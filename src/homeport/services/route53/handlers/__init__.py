"""The operations of Route 53."""

from homeport.services.route53.handlers import associations, changes, health_checks, record_sets, tags, zones

__all__ = ("associations", "changes", "health_checks", "record_sets", "tags", "zones")
