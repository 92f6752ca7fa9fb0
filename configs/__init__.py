"""Complete, commented, runnable configurations."""
