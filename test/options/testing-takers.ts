import { Agent, DualModeAdapter, MemoryClientStore } from '@private.me/xlink';
import { enrolledClient, memoryStores, signedRequest } from '@private.me/xlink/testing';
import { WebBotAuth } from '@private.me/xlink/web-bot-auth';
import express from 'express';
import type { Taker } from './taker.js';

const agent = await Agent.quickstart();
const adapter = new DualModeAdapter({
  agent,
  legacyKeyValidator: () => null,
  clients: new MemoryClientStore(),
});
const app = express().use(adapter.middleware());

/** What tests of an API, and apps that recognize agents of others, call. */
export const TESTING_TAKERS: readonly Taker[] = [
  {
    name: 'enrolledClient',
    type: 'EnrolledClientOptions',
    option: 'scopes',
    call: (more) => enrolledClient(adapter, 'acme', more),
  },
  { name: 'memoryStores', option: 'clock', call: (more) => memoryStores(more) },
  {
    name: 'signedRequest',
    type: 'SignedRequestOptions',
    option: 'adapter',
    call: (more) => signedRequest(app, more),
  },
  {
    name: 'signedRequest',
    type: 'SignAsOptions',
    option: 'form',
    call: (more) => signedRequest(app).as('acme', more),
  },
  {
    name: 'WebBotAuth',
    type: 'WebBotAuthOptions',
    option: 'hosts',
    call: (more) => new WebBotAuth({ origins: ['https://agent.example'], hosts: ['api.example'], ...more }),
  },
];
