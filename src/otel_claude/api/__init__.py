"""What the API says: JSON bodies, stream events and headers, as frozen values.

Pure functions of decoded JSON and of header pairs: no client library, no OpenTelemetry, nothing of ours outside this
package. Nothing here raises on what a server can send: a field that is absent or null leaves the old value, one of a
wrong type counts as unknown and marks its usage as malformed. The types are named tuples because some of them are made
for every call.
"""
