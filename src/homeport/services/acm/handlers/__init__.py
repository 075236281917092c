"""The operations of Certificate Manager; importing this package registers them."""

from homeport.services.acm.handlers import certificates, tags

__all__ = ["certificates", "tags"]
