// WeChat Pay tells of a paid order. Sealed and signed by wechatpay-axios-plugin.
const { Aes, Formatter, Rsa } = require('wechatpay-axios-plugin');
const { job, post, forged, check } = require('./client.cjs');

const nonce = Formatter.nonce(12);
const plain = JSON.stringify(job.transaction);
const ciphertext = Aes.AesGcm.encrypt(plain, job.apiv3_key, nonce, 'transaction');
check(Aes.AesGcm.decrypt(ciphertext, job.apiv3_key, nonce, 'transaction') === plain, 'the SDK opens something else');
const body = JSON.stringify({
  id: job.id, create_time: '2026-01-02T11:00:00+08:00', resource_type: 'encrypt-resource',
  event_type: 'TRANSACTION.SUCCESS', summary: '支付成功',
  resource: {
    original_type: 'transaction', algorithm: 'AEAD_AES_256_GCM', ciphertext, associated_data: 'transaction', nonce,
  },
});
const [at, random] = [String(Formatter.timestamp()), Formatter.nonce()];
const signature = Rsa.sign(Formatter.response(at, random, body), Rsa.from(job.private_key, Rsa.KEY_TYPE_PRIVATE));
const sent = forged(body, job.id, `${job.id}-forged`);
const key = Rsa.from(job.public_key, Rsa.KEY_TYPE_PUBLIC);
check(Rsa.verify(Formatter.response(at, random, sent), signature, key) === (sent === body), 'the SDK disagrees');
post('/v1/in/wechat-pay/pay', {
  'Content-Type': 'application/json',
  'Wechatpay-Serial': job.public_key_id,
  'Wechatpay-Timestamp': at,
  'Wechatpay-Nonce': random,
  'Wechatpay-Signature': signature,
  'Wechatpay-Signature-Type': 'WECHATPAY2-SHA256-RSA2048',
}, sent);
