// Whether alipay-sdk, which had no part in making it, takes a notification of Alipay.
const { AlipaySdk } = require('alipay-sdk');
const { job, tell } = require('./client.cjs');

const sdk = new AlipaySdk({
  appId: job.app_id, privateKey: job.private_key, keyType: 'PKCS8', alipayPublicKey: job.public_key,
});
tell({ genuine: sdk.checkNotifySignV2(Object.fromEntries(new URLSearchParams(job.form))) });
