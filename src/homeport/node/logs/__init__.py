"""
Ship the containers' output: from conmon's files to the server's log streams, no line lost or doubled.

`lines` reads conmon's format, `batch` makes events of lines, both pure; `shipper` watches the files
and talks to the server by byte offsets.
"""
