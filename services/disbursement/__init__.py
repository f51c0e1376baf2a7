"""Disbursement: programmes, entitlements and payments; the one place where money is decided.

owns      aid programmes with their rates and calendars, entitlements per (student, programme, term), payments
accepts   ActivateProgramme, GrantEntitlement and WithdrawEntitlement (from its policy), DisburseAid (a clerk)
emits     ProgrammeActivated, EntitlementGranted, EntitlementWithdrawn, AidDisbursed, DayOpened
consumes  registry (school, stage, boarding, school calendars), matching (evidence linked to a student), its own log
serves    GET /v1/entitlements, POST /v1/entitlements/{id}/disburse, GET /v1/payments, GET /v1/programmes
"""
