"""What Elastic Load Balancing asks of its parameters beyond AWS's model.  Pure."""
