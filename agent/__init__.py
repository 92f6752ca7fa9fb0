"""The edge: reads meters, keeps a journal, computes batches, publishes evidence."""
