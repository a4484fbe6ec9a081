"""The agent: reads a situation, decides by rules, writes one reply."""
