// Requests by light-my-request: `app.inject` of Fastify, and an Express app that is injected into.
import { deepEqual, equal, rejects } from 'node:assert/strict';
import { Agent, authOf, DualModeAdapter } from '@private.me/xlink';
import { fastifyXlink } from '@private.me/xlink/fastify';
import { memoryStores, refusalOf, signedRequest } from '@private.me/xlink/testing';
import express from 'express';
import Fastify from 'fastify';
import inject from 'light-my-request';

const { registry, nonceStore, clients } = memoryStores();
const agent = await Agent.quickstart({ registry, nonceStore });
const adapter = new DualModeAdapter({
  agent,
  mode: 'xlink-only',
  legacyKeyValidator: () => null,
  clients,
  signatures: true,
});
const seen = (request) => ({
  client: authOf(request)?.client,
  form: authOf(request)?.form,
  body: request.body,
});

const fastify = Fastify();
void fastify.register(fastifyXlink(adapter)); // not awaited: it is there when the app is ready
fastify.all('/orders', async (request) => seen(request));
const app = express().use(adapter.middleware(), express.json());
app.all('/orders', (req, res) => void res.json(seen(req)));

const FORMS = { sealed: 'envelope', header: 'envelope', signature: 'signature' };
for (const [form, seenForm] of Object.entries(FORMS)) {
  const acme = signedRequest(fastify).as('acme', { form });
  const answer = await acme.inject({ method: 'POST', url: '/orders?page=2', body: { item: 7 } });
  deepEqual(answer.json(), { client: 'acme', form: seenForm, body: { item: 7 } });
  equal((await acme.inject('/orders')).statusCode, 200);

  const request = await signedRequest(app)
    .as('acme', { form })
    .sign({ url: '/orders', body: { item: 7 } });
  deepEqual(JSON.parse((await inject(app, request)).payload), {
    client: 'acme',
    form: seenForm,
    body: { item: 7 },
  });
  deepEqual(refusalOf(await inject(app, request)).id, 'REPLAY_DETECTED');
}
const stranger = signedRequest(fastify).asStranger();
equal(refusalOf(await stranger.inject('/orders')).id, 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY');
await rejects(signedRequest(app).as('acme').inject('/orders'), { code: 'INVALID_OPTION' });
console.log('all is well');
