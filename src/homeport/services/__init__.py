"""One folder per AWS service, named as boto3 names it, with the same files in each."""
