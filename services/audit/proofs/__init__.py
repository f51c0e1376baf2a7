"""Audit as the witness of every log: recomputes what was signed, cosigns it, and names the first event that is wrong.

witness_tables  its own tree over the archived bytes, what it was told, what it cosigned, how far it has compared
archive_tree    the tree over the archive; where two trees part
witnessing      checkpoints that came with the heads: verified against the archive, cosigned, or an alarm
store_client    asks a service what its store holds
comparing       store and archive, block by block, and which of the two is wrong
sweeping        the worker that compares without end, so many events a second
topic_sweep     the worker that reads the topics again from their beginning, without end
"""
