"""Adapters to DynamoDB, S3, SQS and Bedrock behind small protocols."""
