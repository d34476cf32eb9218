// A Shopify shop tells of a paid order. Signed and, as a check, judged by @shopify/shopify-api.
require('@shopify/shopify-api/adapters/node');
const { shopifyApi } = require('@shopify/shopify-api');
const { createSHA256HMAC, HashFormat } = require('@shopify/shopify-api/runtime');
const { job, post, forged, check } = require('./client.cjs');

const shopify = shopifyApi({
  apiKey: 'TESTkey', apiSecretKey: job.secret, apiVersion: '2026-04', hostName: 'shop.example',
  isEmbeddedApp: false, logger: { log: () => {} },
});

async function main() {
  // A text: its numbers are longer than a number of this language.
  const { order } = job;
  const headers = {
    'content-type': 'application/json',
    'x-shopify-hmac-sha256': await createSHA256HMAC(job.secret, order, HashFormat.Base64),
    'x-shopify-topic': 'orders/paid',
    'x-shopify-api-version': '2026-04',
    'x-shopify-webhook-id': job.id,
    'x-shopify-shop-domain': job.shop,
  };
  const sent = forged(order, '"0.01"', '"28.88"');
  const rawRequest = { method: 'POST', url: '/', headers };
  const { valid } = await shopify.webhooks.validate({ rawBody: sent, rawRequest, rawResponse: {} });
  check(valid === (sent === order), 'the SDK disagrees');
  await post('/v1/in/shopify/shop', headers, sent);
}

main();
