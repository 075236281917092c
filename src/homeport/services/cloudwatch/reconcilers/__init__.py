"""What happens in CloudWatch by itself."""
