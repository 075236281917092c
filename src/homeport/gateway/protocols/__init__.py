"""Bytes to documents and back, one module per protocol, driven by AWS's models."""
