"""Audit: what was known and true at any moment, and that nothing was altered.

owns      an archive of every service's log with its leaves recomputed, alarms, replays, cosigned checkpoints
accepts   nothing that changes the world
emits     nothing
consumes  the logs and heads of registry, matching, disbursement, visits and notifications
serves    POST /v1/replay/{view}, …/difference and …/bundle, POST /v1/person and …/bundle, POST /v1/why,
          POST /v1/why-not, GET /v1/views, GET /v1/logs, GET /v1/alarms, GET /v1/logs/{service}/export, GET /v1/witness
"""
