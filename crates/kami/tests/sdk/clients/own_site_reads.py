"""What an own site reads of an event of ours, with the SDK of Standard Webhooks."""

from standardwebhooks import Webhook, WebhookVerificationError

from client import job, tell

hook = Webhook(job["secret"])
event = hook.verify(job["body"], job["headers"])
try:
    hook.verify(job["body"].replace("order.delivered", "order.refunded"), job["headers"])
    raise AssertionError("the SDK takes a forged event")
except WebhookVerificationError:
    tell(event=event)
