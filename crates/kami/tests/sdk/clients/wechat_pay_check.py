"""Whether wechatpayv3, which had no part in making it, takes a notification of WeChat Pay, and what it reads."""

from wechatpayv3 import WeChatPay, WeChatPayType

from client import job, tell

merchant = WeChatPay(
    wechatpay_type=WeChatPayType.NATIVE,
    mchid=job["mchid"],
    appid=job["appid"],
    apiv3_key=job["apiv3_key"],
    private_key=job["merchant_private_key"],
    cert_serial_no=job["merchant_serial_no"],
    public_key=job["public_key"],
    public_key_id=job["public_key_id"],
)
tell(read=merchant.callback(job["headers"], job["body"]))
