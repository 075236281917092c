"""
CloudWatch: metrics and their datapoints.

Datapoints come through PutMetricData and from the other services, which publish theirs through
`store.datapoints`; nothing here knows what is measured.
"""
