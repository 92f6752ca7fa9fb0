"""What agent, gateway and verifier agree on: entries, codec, signing, chain, Merkle trees, topics. Pure."""
