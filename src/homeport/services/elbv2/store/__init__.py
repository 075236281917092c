"""Rows and values of Elastic Load Balancing."""
