"""Alarms: what they are, and how their state follows from datapoints.  All of it is pure."""
