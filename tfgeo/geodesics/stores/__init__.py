"""Stores: distances found a block at a time, here or by many workers, and kept on disk through interruptions."""
