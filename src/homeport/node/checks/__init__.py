"""
Health checks of endpoints, done by this node for its own answers to questions about names.

`verdict` decides without I/O, `probe` asks an endpoint once, `runner` does so again and again.
"""
