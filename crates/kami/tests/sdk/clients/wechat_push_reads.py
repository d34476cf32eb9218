"""What WeChat reads of our sealed reply to a push, with wechatpy."""

from wechatpy.crypto import WeChatCrypto

from client import job, tell

app = WeChatCrypto(job["token"], job["encoding_aes_key"], job["appid"])
reply = job["reply"]
at = str(reply["TimeStamp"])
tell(message=app.decrypt_message(reply, reply["MsgSignature"], at, reply["Nonce"]))
