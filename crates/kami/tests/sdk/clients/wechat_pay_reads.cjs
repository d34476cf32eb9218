// Whether wechatpay-axios-plugin takes a call of ours for the merchant's.
const { Formatter, Rsa } = require('wechatpay-axios-plugin');
const { job, tell, check } = require('./client.cjs');

const [scheme, list] = job.authorization.split(' ');
check(scheme === 'WECHATPAY2-SHA256-RSA2048', scheme);
const parts = Object.fromEntries([...list.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
const text = Formatter.request(job.method, job.address, parts.timestamp, parts.nonce_str, job.body);
const key = Rsa.from(job.public_key, Rsa.KEY_TYPE_PUBLIC);
check(!Rsa.verify(`${text}x`, parts.signature, key), 'the SDK takes anything');
tell({ genuine: Rsa.verify(text, parts.signature, key), mchid: parts.mchid, serial: parts.serial_no });
