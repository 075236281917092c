"""SSM's operations, by whether they read or write; importing this package registers them all."""

from homeport.services.ssm.handlers import reading, writing

__all__ = ["reading", "writing"]
