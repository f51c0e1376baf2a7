"""Signing in through another issuer (OpenID Connect): access is the relying party, the page only hands on.

``configuration``  which issuer, and as which client
``discovery``      what the issuer says of itself, believed only where it fits
``id_token``       what the issuer says of somebody, believed only where everything fits
``party``          the two over HTTP, kept for a while; the exchange of a code
``flows``          what was begun in which browser: good once, for ten minutes
``identities``     which identity belongs to which account
``office``         what the steps work with
``entering``       a callback becomes a session, on the same path as a password
``linking``        the holder links an identity and unlinks it; an administrator tells one beforehand
"""
