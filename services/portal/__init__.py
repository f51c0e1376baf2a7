"""portal: the one page people open.

owns      nothing: no fact, no row; every number is asked of the service that has it, as the person who looks
accepts   sign-in at the demo issuer; forms that become commands of other services
checks    a register and lists dropped on the page, in a bounded child process; keeps nothing of them
emits     nothing
consumes  nothing
serves    pages in Chinese and English, /api/<service>/… (the services behind one address), /demo-issuer
"""
