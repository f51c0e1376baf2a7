"""Notifications: no child drops out unseen.

owns      alert rules, alerts from raised to closed
accepts   RaiseAlert and WithdrawAlert (from its policy), SeeAlert, CloseAlert (a person)
emits     AlertRulesActivated, AlertRaised, AlertSeen, AlertWithdrawn, AlertClosed, DayOpened
consumes  registry (who left, who was accepted, who returned, school calendars), matching (who on a list is found
          nowhere), its own log
serves    GET /v1/alerts, POST /v1/alerts/{id}/seen, POST /v1/alerts/{id}/close, GET /v1/alerts/stream (SSE)

delivery/ owns messages to places, who is reached by what, receiving systems; emits MessageComposed, MessageRead,
ContactSet, Webhook…, DeliveryDecided; serves /v1/messages, /v1/contacts, /v1/webhooks, /v1/deliveries.
"""
