"""Stripe tells of a paid session. Signed and, as a check, read by stripe-python."""

import json
import time

import stripe

from client import forged, job, post

event = json.dumps(job["event"])
at = int(time.time())
signature = stripe.WebhookSignature._compute_signature(f"{at}.{event}", job["secret"])
header = f"t={at},v1={signature}"
read = stripe.Webhook.construct_event(event, header, job["secret"])
assert read.data.object.client_reference_id == job["event"]["data"]["object"]["client_reference_id"]

sent = forged(event, '"unpaid"', '"paid"')
if sent != event:
    try:
        stripe.Webhook.construct_event(sent, header, job["secret"])
        raise AssertionError("the SDK takes a forged event")
    except stripe.SignatureVerificationError:
        pass
post("/v1/in/stripe/pay", {"content-type": "application/json", "stripe-signature": header}, sent)
