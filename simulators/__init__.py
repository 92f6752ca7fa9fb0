"""A plant whose true energy is known exactly, over real sockets."""
