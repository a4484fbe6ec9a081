"""Where the gateways report: verify the raw bytes, store, answer."""
