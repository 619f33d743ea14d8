#!/usr/bin/env python3
"""Runs the AWS CLI once for each line of standard input, which is a JSON list of arguments, and
prints its exit code on a line; one process for all, since starting it takes a second."""
import contextlib
import io
import json
import sys

from awscli.clidriver import create_clidriver

driver = create_clidriver()
for line in sys.stdin:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        # It says nothing at all when all went well.
        code = driver.main(json.loads(line)) or 0
    print(json.dumps([code, said.getvalue()]), flush=True)
