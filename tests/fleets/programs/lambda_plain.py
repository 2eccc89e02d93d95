"""A handler of AWS Lambda that flushes nothing by itself."""

from asking import ask


def handler(event, _context):
    ask(1, len(event["question"]))
    return "done"
