// Stripe tells of a paid session. Signed by stripe-node's own helper and, as a check, read by it.
const Stripe = require('stripe');
const { job, post, forged, check } = require('./client.cjs');

const stripe = new Stripe('sk_test_0123456789abcdefghijklmn');
const event = JSON.stringify(job.event);
const header = stripe.webhooks.generateTestHeaderString({ payload: event, secret: job.secret });
const read = stripe.webhooks.constructEvent(event, header, job.secret);
check(read.id === job.event.id, 'the SDK reads another event');
const sent = forged(event, '"unpaid"', '"paid"');
post('/v1/in/stripe/pay', { 'content-type': 'application/json', 'stripe-signature': header }, sent);
