"""Notifications: no child drops out unseen.

owns      alert rules, alerts from raised to closed, the case each alert is (cases/), the three ledgers
accepts   RaiseAlert and WithdrawAlert (from its policy); from people SeeAlert, FormTeam, LogAttempt, Refer, NoteAction,
          StateMistake, ConfirmDropout, CloseAlert, DocumentAbsence and other rules
emits     AlertRulesActivated, AlertRaised, AlertEvidenceChanged, AlertSeen, AlertWithdrawn, AlertClosed, DayOpened;
          AbsenceDocumented, AbsenceDocumentWithdrawn; CasePlanActivated, TeamFormed, AttemptLogged,
          CounsellingReferred, AgencyActed, MistakeStated, DropoutConfirmed, DropoutAskedAbout, CaseEscalated,
          CaseNotesRead
consumes  registry (who left, who was accepted, who returned, households, list rows, school calendars), matching (who on
          a list is found nowhere, who is on one), its own log
serves    GET /v1/alerts, /v1/alerts/{id}, /v1/alerts/stream (SSE), POST /v1/alerts/{id}/seen | team | attempts |
          referrals | actions | mistaken | dropped-out | close | reveal, GET and POST /v1/case-plan, GET /v1/ledgers,
          /v1/ledgers/children, /v1/ledgers/trend, GET and POST /v1/documented-absences, POST .../{id}/withdraw, GET
          and POST /v1/alert-rules

delivery/ owns messages to places, who is reached by what, receiving systems; emits MessageComposed, MessageRead,
ContactSet, Webhook…, DeliveryDecided, ChatLinkOpened; serves /v1/messages, /v1/contacts, /v1/webhooks, /v1/deliveries,
/v1/chat-text, /v1/chat-links.
"""
