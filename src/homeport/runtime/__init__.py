"""
Run containers: images from podman's storage, an overlay root, conmon and an OCI runtime.

`protocol.py` is what the agent asks for, `oci.py` the real thing, `fake.py` the tests' stand-in
that passes the same suite.
"""
