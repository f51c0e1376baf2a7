"""Access: who people are, which posts they hold, how they sign in, and that they are out the moment they should be.

owns      accounts, posts with their holders and delegations, sessions, who signed in when; the keys that sign tokens
accepts   opening and closing of accounts, establishing, filling, vacating, delegating and closing of posts, a whole
          staff from one sheet, sign-in, choice of a post, passwords and their reset
emits     AccountOpened, PostFilled, PostVacated, PostDelegated, SignedIn, SignInRefused, SessionEnded, DayOpened …
consumes  its own log, registry (in which division a school lies), audit (whom it erased)
serves    POST /v1/sign-in, /v1/oidc/begin, /v1/oidc/finish, /v1/token, /v1/sign-out, /v1/session/post,
          GET /v1/jwks.json, GET /v1/revocations, /v1/me, /v1/me/identities, /v1/accounts, /v1/posts, /v1/staff
"""
