"""The operator's pages: markup from figures, and the shell that keeps a browser up to date."""
