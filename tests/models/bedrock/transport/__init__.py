"""Tests of how calls of Bedrock travel."""
