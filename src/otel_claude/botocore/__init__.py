"""Claude on Amazon Bedrock, called with boto3 or botocore: the only package that knows their internals.

`patches` sees a call and its attempts; `bodies` follows how the application reads what it gets.
"""

from .instrumentor import ClaudeBotocoreInstrumentor

__all__ = ["ClaudeBotocoreInstrumentor"]
