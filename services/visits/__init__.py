"""Visits: who helps which student, and what a home visit found.

owns      helper teachers of students, visits
accepts   AssignHelper, LogVisit
emits     HelperAssigned, VisitLogged, DayOpened
consumes  registry (in which school a student is), its own log
serves    POST /v1/visits, GET /v1/visits, POST /v1/helpers, GET /v1/helpers
"""
