"""What happens in Application Auto Scaling by itself."""
