"""An own site, which signs with the SDK of Standard Webhooks."""

import json
from datetime import datetime, timezone

from standardwebhooks import Webhook

from client import forged, job, post

hook = Webhook(job["secret"])
now = datetime.now(timezone.utc)
body = json.dumps(job["event"])
headers = {
    "content-type": "application/json",
    "webhook-id": job["id"],
    "webhook-timestamp": str(int(now.timestamp())),
    "webhook-signature": hook.sign(job["id"], now, body),
}
assert hook.verify(body, headers) == job["event"]
post("/v1/in/generic/own", headers, forged(body, '"quantity": 1', '"quantity": 2'))
