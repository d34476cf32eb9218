"""WeChat pushes a message in its envelope. Sealed, signed and, as a check, opened by wechatpy."""

import json
from urllib.parse import urlencode

import xmltodict
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidSignatureException

from client import job, post

app = WeChatCrypto(job["token"], job["encoding_aes_key"], job["appid"])
message = json.dumps(job["message"])
made = xmltodict.parse(app.encrypt_message(message, "415670741"))["xml"]
signature, at, nonce = made["MsgSignature"], made["TimeStamp"], made["Nonce"]
assert app.decrypt_message({"Encrypt": made["Encrypt"]}, signature, at, nonce) == message

sealed = made["Encrypt"]
if job.get("forge"):
    # Another message, sealed with the right key, under the signature of the first.
    other = json.dumps(job["forge"])
    sealed = xmltodict.parse(app.encrypt_message(other, nonce, at))["xml"]["Encrypt"]
    try:
        app.decrypt_message({"Encrypt": sealed}, signature, at, nonce)
        raise AssertionError("the SDK takes a forged push")
    except InvalidSignatureException:
        pass
query = urlencode({"timestamp": at, "nonce": nonce, "encrypt_type": "aes", "msg_signature": signature})
body = json.dumps({"ToUserName": "gh_97417a04a28d", "Encrypt": sealed})
post(f"/v1/in/{job['account']}?{query}", {"content-type": "application/json"}, body)
