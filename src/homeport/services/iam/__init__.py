"""
Who may sign requests.

For now the account's root user and its access key, made at the first start.  Roles and policies
belong here too; until they come, role ARNs are only checked for form.
"""
