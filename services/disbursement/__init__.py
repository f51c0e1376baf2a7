"""Disbursement: programmes, entitlements and payments; the one place where money is decided.

owns      aid programmes with their rates and calendars, entitlements per (student, programme, term), payments,
          letters to other counties about children of ours registered there, and what came back about each
accepts   ActivateProgramme, GrantEntitlement and WithdrawEntitlement (from its policy), DisburseAid (a clerk), the
          steps of letters (letters/)
emits     ProgrammeActivated, EntitlementGranted, EntitlementWithdrawn, AidDisbursed, DayOpened, and letter_events.py
consumes  registry (school, stage, boarding, school calendars, list rows, divisions), matching (evidence linked to a
          student, rows of children registered elsewhere), its own log
serves    GET /v1/entitlements, POST /v1/entitlements/{id}/disburse, GET /v1/payments, GET /v1/elsewhere, /v1/letters
"""
