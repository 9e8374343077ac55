"""Many Bedrock streams at once: spanloom beside aiobotocore and langchain-aws, on one local server.

Each side runs in an interpreter of an environment of its own, since aiobotocore holds botocore at releases that boto3
has left behind. `make bench-bedrock` makes the environments and prints the table.
"""
