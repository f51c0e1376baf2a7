"""The transparency log of a service: RFC 9162 Merkle tree over its leaves, signed checkpoints, proofs to hand out.

tree, proving, verifying   pure mathematics of the tree: roots, proofs, their verification
notes, checkpoints         C2SP signed notes, tlog checkpoints and cosignature/v1
nodes                      interior hashes of a log, kept so that a proof reads a few hundred hashes and not millions
checkpointer               the worker that follows the log, keeps the nodes and signs checkpoints
routes, store_ranges       /v1/log/…: checkpoints, proofs, sealed events; what the store holds, for the witness
exported                   an event as a line that anybody can verify
"""
