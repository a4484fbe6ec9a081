"""What the API, the flows and the agent share: receiving and sending."""
