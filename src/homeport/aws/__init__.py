"""What every AWS service of Homeport shares: operations, errors, arguments, ARNs, paging, tags."""
