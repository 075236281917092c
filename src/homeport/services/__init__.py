"""
One folder per AWS service, named as boto3 names it, with the same files in each that needs them.

`service` is the registry that `handlers` attach to, one module per resource; `model` has the resources
as plain values, `store` their SQL, `views` their AWS shapes, `errors` and `validation` what is refused
and in which words; `reconcilers` make true what handlers have recorded.
"""
