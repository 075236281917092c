"""Decide what a scalable target's capacity should be.  All of it is pure."""
