"""What happens after a request: nodes are told of names."""
