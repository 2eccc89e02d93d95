"""The demo of otel-claude: a simulated Messages API, services that call it, a workload, and `otel-claude demo`.

`simulator` (the server), `services` (three services that use every shape of call), `workload` (what fills the
dashboards), `rates` and `bound` (what the services may cost live), `comparison` and `screen` (what is shown), `show`
(all of it together), `demo` (`otel-claude demo`). Of `otel_claude` it imports tags, pricing and the names of
conventions. Nothing is imported here: a service needs the SDK alone.
"""
