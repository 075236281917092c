"""All SQL of Route 53."""
