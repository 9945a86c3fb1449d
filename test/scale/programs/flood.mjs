// Somebody who sends what is refused, as fast as it is taken. Runs at the lowest priority: a flood has machines of its own,
// and it is not the lack of processors here that is to be measured.
import { randomBytes } from 'node:crypto';
import { connect as openSocket } from 'node:net';
import { constants, setPriority } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import {
  Agent,
  connect,
  discover,
  ENVELOPE_TYPE,
  MemoryTrustRegistry,
  requestBinding,
  xlinkAuthorization,
} from '@private.me/xlink';
import { Connection, httpRequest } from '../../../benchmarks/load.mjs';
import { answerQuestions } from './questions.mjs';

setPriority(constants.priority.PRIORITY_LOW);
const { url, port, address, victim, apiKey } = JSON.parse(process.env.SETTINGS);
const CONNECTIONS = 32;
const MIB = 2 ** 20;
const ENROLL = '/.well-known/xlink/enroll';
const from = { 'X-Forwarded-For': address };

const local = { unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true };
const connected = await connect(url, { apiKey, ...local });
if (!connected.ok) throw connected.error;
const known = connected.value.agent;
await connected.value.fetch('/orders/1'); // enrolls
const service = await discover(url, local);
const registry = new MemoryTrustRegistry();
const registered = await registry.register({ did: service.did, keys: service.keyRecord });
if (!registered.ok) throw registered.error;

/** Strangers, of whom one after the other sends. */
const strangers = await Promise.all(
  Array.from({ length: 20 }, () => Agent.quickstart({ registry, maxVersion: 1 })),
);
let turn = 0;
const post = (body, path = '/orders', headers = {}) =>
  httpRequest('POST', path, { ...from, 'Content-Type': ENVELOPE_TYPE, ...headers }, body);
const json = (value) => Buffer.from(JSON.stringify(value));
const stranger = () => strangers[turn++ % strangers.length];
const envelope = (size, request = requestBinding('POST', '/orders'), agent = stranger()) =>
  agent.createRequest({
    to: service.did,
    scope: 'orders:write',
    payload: { text: 'x'.repeat(size) },
    request,
  });

/** What one connection sends, made anew each time unless it is always the same. */
const KINDS = {
  garbage: () => always(post(Buffer.alloc(1024, 'x'))),
  'unknown DIDs': async () => post(json(await envelope(500))),
  'unknown DIDs, large': async () => post(json(await envelope(500_000))),
  'bad signatures': async () => post(json({ ...(await envelope(500)), from: victim })),
  'junk of 1 MiB': () => always(post(Buffer.from(`{"${randomBytes(MIB / 2 - 1).toString('hex')}`))),
  enrollments: async () =>
    post(json(await envelope(500, requestBinding('POST', ENROLL))), ENROLL, { 'X-API-Key': `sk_${turn}` }),
  'envelopes in headers': async () => {
    const { did: to } = service;
    const request = requestBinding('GET', '/orders/1');
    const signed = await stranger().createRequest({ to, scope: 'orders:read', request, signedOnly: true });
    const text = JSON.stringify(signed);
    const padded = `{${' '.repeat(8000)}${text.slice(1)}`;
    const Authorization = xlinkAuthorization(signed).replace(
      / .*/,
      ` ${Buffer.from(padded).toString('base64url')}`,
    );
    return httpRequest('GET', '/orders/1', { ...from, Authorization });
  },
  'large envelopes of a caller that is known': async () =>
    post(json(await envelope(500_000, requestBinding('POST', '/orders'), known))),
  discovery: () => httpRequest('GET', `/.well-known/xlink.json?${turn++}`, from),
  'wrong keys': () => httpRequest('GET', '/orders/1', { ...from, 'X-API-Key': `sk_${turn++}` }),
};
const made = new Map();
function always(bytes) {
  const kept = made.get(bytes.length) ?? bytes;
  made.set(bytes.length, kept);
  return kept;
}

let flooding;

function start({ kind }) {
  const statuses = {};
  let isOver = false;
  const count = (status) => (statuses[status] = (statuses[status] ?? 0) + 1);
  const isGoingOn = () => !isOver;
  const work =
    kind === 'slow bodies' ? () => trickle(isGoingOn, count) : () => send(KINDS[kind], isGoingOn, count);
  const workers = Array.from({ length: CONNECTIONS }, work);
  flooding = async () => {
    isOver = true;
    await Promise.all(workers);
    return statuses;
  };
}

async function send(make, isGoingOn, count) {
  const connection = await Connection.open(port);
  while (isGoingOn()) count(await connection.request(await make()));
  connection.close();
}

/** Announces 1 MiB and sends a byte now and then. */
async function trickle(isGoingOn, count) {
  while (isGoingOn()) {
    const socket = openSocket(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('data', (data) => {
      count(String(data).slice(9, 12));
      socket.destroy();
    });
    const headers = { ...from, 'Content-Type': ENVELOPE_TYPE, 'Content-Length': MIB };
    socket.write(httpRequest('POST', '/orders', headers));
    socket.write('{"');
    while (isGoingOn() && !socket.destroyed) {
      await pause(50);
      if (!socket.destroyed) socket.write('a');
    }
    socket.destroy();
  }
}

answerQuestions(null, { start, stop: () => flooding() });
