"""Stand-ins of the outside systems, speaking their real protocols over HTTP, with faults on demand.

Imports nothing of what it stands in for: its answers come from recorded exchanges, so that a mistake of ours
cannot hide on both sides of the wire.
"""
