"""Three services that use every shape of call through the real SDK, measured with no code of theirs.

`steps` (what a step is), `texts` (what is asked), `chat`, `research`, `nightly` (the services: plain SDK code),
`service` and `processes` (their processes). Nothing is imported here: a service needs the SDK alone.
"""
