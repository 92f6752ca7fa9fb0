"""A whole plant under every fault in virtual time, held against what it truly read, and always verified in the end."""
