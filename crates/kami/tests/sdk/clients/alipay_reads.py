"""The signature that python-alipay-sdk would have put under a call of ours, and what we put there."""

from urllib.parse import parse_qsl

from alipay import AliPay

from client import job, tell

fields = dict(parse_qsl(job["form"]))
ours = fields.pop("sign")
alipay = AliPay(
    appid=fields["app_id"],
    app_private_key_string=job["private_key"],
    alipay_public_key_string=job["public_key"],
    sign_type="RSA2",
)
signed = dict(parse_qsl(alipay.sign_data(dict(fields))))
tell(ours=ours, theirs=signed["sign"], method=fields["method"], content=fields["biz_content"])
