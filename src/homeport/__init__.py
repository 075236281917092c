"""Homeport: your own Fargate."""
