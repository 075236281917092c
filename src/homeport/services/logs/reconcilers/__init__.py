"""Background passes of CloudWatch Logs."""
