"""
CloudWatch: metrics and their datapoints, and the alarms that watch them.

Datapoints come through PutMetricData and from the other services, which publish theirs through
`store.datapoints`; nothing here knows what is measured.  An alarm's actions are carried out by the
service that they belong to, which asks for the alarms that call for one.
"""
