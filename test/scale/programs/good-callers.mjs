// Callers of the deployed app as it hopes for: a signed GET, a sealed POST and a GET by key, one after the other.
import { setTimeout as pause } from 'node:timers/promises';
import { connect, ENVELOPE_TYPE, requestBinding, xlinkAuthorization } from '@private.me/xlink';
import { Connection, httpRequest } from '../../../benchmarks/load.mjs';
import { answerQuestions } from './questions.mjs';

const { url, port, apiKey, address } = JSON.parse(process.env.SETTINGS);
const PAUSE_MS = 5;
const from = { 'X-Forwarded-For': address };

const service = await connect(url, { apiKey, unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true });
if (!service.ok) throw service.error;
const { agent, did } = service.value;
await service.value.fetch('/orders/1'); // enrolls

const seal = (method, path, scope, more) =>
  agent.createRequest({ to: did, scope, request: requestBinding(method, path), ...more });
const kinds = {
  signed: async () => {
    const envelope = await seal('GET', '/orders/1', 'orders:read', { signedOnly: true });
    return httpRequest('GET', '/orders/1', { ...from, Authorization: xlinkAuthorization(envelope) });
  },
  sealed: async () => {
    const envelope = await seal('POST', '/orders', 'orders:write', { payload: { text: 'x'.repeat(1000) } });
    const headers = { ...from, 'Content-Type': ENVELOPE_TYPE };
    return httpRequest('POST', '/orders', headers, Buffer.from(JSON.stringify(envelope)));
  },
  key: () => httpRequest('GET', '/orders/1', { ...from, 'X-API-Key': apiKey }),
};

/** For `ms`: how long each request took, in ms, and how many were answered with anything but 2xx, by kind and status. */
async function send({ ms }) {
  const until = performance.now() + ms;
  const times = [];
  const failures = {};
  const work = async ([kind, make]) => {
    const connection = await Connection.open(port);
    while (performance.now() < until) {
      const bytes = await make();
      const started = performance.now();
      const status = await connection.request(bytes);
      times.push(performance.now() - started);
      const failure = `${kind} ${status}`;
      if (status < 200 || status > 299) failures[failure] = (failures[failure] ?? 0) + 1;
      await pause(PAUSE_MS);
    }
    connection.close();
  };
  await Promise.all(Object.entries(kinds).map(work));
  return { times, failures };
}

answerQuestions({ did, caller: agent.did }, { send });
