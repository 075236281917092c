"""
Metric math: expressions over series.

`syntax` turns text into a tree, `evaluate` a tree into a value.  Both are pure.  The grammar and the functions are
AWS's: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""
