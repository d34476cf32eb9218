"""Alipay tells of a paid trade. Signed and, as a check, read by python-alipay-sdk."""

from urllib.parse import parse_qsl

from alipay import AliPay

from client import forged, job, post

alipay = AliPay(
    appid=job["fields"]["app_id"],
    app_private_key_string=job["private_key"],
    alipay_public_key_string=job["public_key"],
    sign_type="RSA2",
)
# Alipay leaves `sign_type` out of what it signs, and sends it along.
form = alipay.sign_data(dict(job["fields"])) + "&sign_type=RSA2"


def is_genuine(form):
    fields = dict(parse_qsl(form))
    return alipay.verify(fields, fields.pop("sign"))


assert is_genuine(form)
sent = forged(form, "total_amount=0.01", "total_amount=28.88")
assert is_genuine(sent) == (sent == form)
headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
post("/v1/in/alipay/pay", headers, sent)
