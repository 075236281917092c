"""The messages between server and node.  Versioned; no behaviour.  See messages.py."""
