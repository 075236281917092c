"""
CloudWatch Logs: log groups, their streams, and the events in them.

Events come through PutLogEvents and, from containers with the awslogs driver, as batches that the
nodes ship (ingest.py).  Nothing here has an effect outside the store.
"""
