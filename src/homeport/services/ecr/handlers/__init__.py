"""The operations of ECR, one module per resource; importing this package registers them all."""

from homeport.services.ecr.handlers import deletion, images, repositories, tags

__all__ = ["deletion", "images", "repositories", "tags"]
