"""The anthropic SDK: the only package that knows its internals.

`patches` has the table of patched functions; `client` says who calls whom; `responses` follows attempts and
responses, `response_body` how their bodies are read; `batches` and `managed_agents` what else a client reads;
`retirement` has the SDK's list of models that retire.
"""
