"""
ECR: repositories of container images, and who may push to and pull from them.

The images themselves are in an OCI registry that the node runs.  What it holds is asked of it at the
moment of each call, so answers are right after a restart of either and after every push and deletion.
Clients log in to it with tokens that `tokens` mints.
"""
