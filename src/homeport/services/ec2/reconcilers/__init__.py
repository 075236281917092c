"""What keeps the nodes' view of the network true."""
