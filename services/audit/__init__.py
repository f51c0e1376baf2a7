"""Audit: what was known and true at any moment, and that nothing was altered.

owns      an archive of every service's log with its leaves recomputed, alarms, replays, cosigned checkpoints; erasure,
          legal hold and retention; who saw whom
accepts   requests, approvals and refusals of erasure and hold; rules of retention; rotation of the key-encryption key;
          notes on alarms; counterfactuals
emits     PersonErased and what leads to it, holds, rules of retention, key rotations, notes on alarms,
          PersonFileRead, CounterfactualAsked and CounterfactualRead, SnapshotsDropped
consumes  the logs and heads of access, registry, matching, disbursement, visits, notifications and its own
serves    POST /v1/replay/{view}, …/difference and …/bundle, POST /v1/person, …/full and …/bundle, POST /v1/why,
          POST /v1/why-not, /v1/erasures, /v1/holds, /v1/retention-rule, /v1/keys/rotation, /v1/reads,
          GET and POST /v1/questions, GET /v1/views, GET /v1/logs, /v1/alarms, GET /v1/comparisons,
          GET /v1/logs/{service}/export, GET /v1/witness, GET /v1/replay/{view}/moments, POST /v1/records,
          POST and GET /v1/counterfactuals, /v1/snapshots
"""
