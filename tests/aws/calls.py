#!/usr/bin/env python3
"""Calls AWS with boto3: reads one line of JSON, [[SERVICE, METHOD, ARGUMENTS], …], and prints one line
for each call: "ok", or the code of the error and what it said."""
import json
import sys

import boto3
from botocore.exceptions import ClientError

clients = {}
for service, method, arguments in json.loads(sys.stdin.readline()):
    client = clients.setdefault(service, boto3.client(service))
    try:
        getattr(client, method)(**arguments)
        print("ok")
    except ClientError as error:
        print(error.response["Error"]["Code"], error.response["Error"]["Message"])
