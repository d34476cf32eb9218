"""What every Python client does: reads its job, posts one request, tells the answer."""

import json
import sys
import urllib.error
import urllib.request

job = json.load(sys.stdin)


def post(path, headers, body):
    """Posts without any proxy, and tells the answer's status and text, with what was sent."""
    request = urllib.request.Request(job["server"] + path, body.encode(), headers, method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        status, text = refused.code, refused.read()
    tell(status=status, body=text.decode(), sent={"headers": headers, "body": body})


def tell(**facts):
    print(json.dumps(facts))


def forged(text, old, new):
    """The text that is sent: another than was signed, where the job says so."""
    if not job.get("forge"):
        return text
    assert old in text
    return text.replace(old, new)
