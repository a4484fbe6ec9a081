"""What the API, the flows and the command line are made of; layers point one way."""
