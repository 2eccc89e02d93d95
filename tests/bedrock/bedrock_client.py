"""A boto3 client of the local server."""

import boto3
from botocore.config import Config


def make_client(server, **options):
    retries = options.pop("retries", {"total_max_attempts": 3, "mode": "standard"})
    return boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=server.url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries=retries, read_timeout=5, **options),
    )
