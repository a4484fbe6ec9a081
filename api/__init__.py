"""The real-time service: webhooks in, health out, the hot loops beside them."""
