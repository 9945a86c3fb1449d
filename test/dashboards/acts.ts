import type { Agent, Mode } from '@private.me/xlink';
import { RawCaller } from '../session/support.js';
import { altered } from '../support/forge.js';
import {
  headerForm,
  json,
  ORDER,
  type Sent,
  sealedRequest,
  signedEnvelope,
  signedRequest,
  withKey,
} from '../support/http.js';
import type { Counted, Entry, RequestLabels } from './ledger.js';
import { JOB, type Orders, type OrdersInstance, type Switch } from './orders.js';

/** Something that callers do: how often in a round, and what it has to be counted as. */
interface Act {
  readonly mode: Mode;
  readonly times: number;
  run(instance: OrdersInstance): Promise<Counted[]>;
}

const accepted = (method: string, client: string, route: string): RequestLabels => ({
  method,
  outcome: 'accepted',
  reason: 'ok',
  route,
  client,
});
const refused = (method: string, reason: string, client = 'unknown'): RequestLabels => ({
  method,
  outcome: 'refused',
  reason,
  route: 'unmatched',
  client,
});
const keyOf = (client: string) => `key of ${client}`;
const byKey = (client: string, sent: Sent) => withKey(sent, keyOf(client));

/** Everything that there is a metric for. Different numbers for different things, so that no two can be mistaken. */
function actsOf({ callers, nonceStore, registrySwitch }: Orders): Act[] {
  const { v1, v2, v3, signer, replayer, both, stranger } = callers;
  const useKey = (mode: Mode, times: number, client: string, sent: Sent, route: string): Act => ({
    mode,
    times,
    async run(instance) {
      await instance.expect(200, byKey(client, sent));
      return [{ request: accepted('api-key', client, route) }];
    },
  });
  const seal = (times: number, caller: Agent, client: string, path: string): Act => ({
    mode: 'hybrid',
    times,
    async run(instance) {
      await instance.expect(200, await sealedRequest({ api: instance.agent, caller }, { path }));
      const version = client.slice(1);
      return [{ request: accepted('xlink', client, path), envelope: { version, form: 'sealed' } }];
    },
  });
  const signedBy = (caller: Agent, instance: OrdersInstance, sent: Sent) =>
    signedRequest({ api: instance.agent, caller }, sent);
  const acceptedSigned = (client: string): Counted => ({
    request: accepted('xlink', client, '/orders/:id'),
    envelope: { version: '1', form: 'signed' },
  });
  const fail = (
    times: number,
    status: number,
    reason: string,
    make: (instance: OrdersInstance) => Promise<Sent>,
    method = 'xlink',
  ): Act => ({
    mode: 'hybrid',
    times,
    async run(instance) {
      await instance.expect(status, await make(instance));
      return [{ request: refused(method, reason) }];
    },
  });
  const forged = async (instance: OrdersInstance, sent: Sent): Promise<Sent> => {
    const pair = { api: instance.agent, caller: signer };
    const { signature } = await signedEnvelope(pair, sent);
    return headerForm(altered(await signedEnvelope(pair, sent), { signature }), sent);
  };
  const observe = (
    times: number,
    reason: string,
    make: (instance: OrdersInstance) => Promise<Sent>,
  ): Act => ({
    mode: 'observe',
    times,
    async run(instance) {
      await instance.expect(200, byKey('ada', await make(instance)));
      return [{ request: accepted('api-key', 'ada', '/orders'), observed: { reason } }];
    },
  });
  const during = (off: Switch, act: Act): Act => ({
    ...act,
    async run(instance) {
      off.down = true;
      try {
        return await act.run(instance);
      } finally {
        off.down = false;
      }
    },
  });
  const order: Sent = { path: '/orders' };
  const one: Sent = { path: '/orders/7' };
  return [
    useKey('observe', 2, 'bob', order, '/orders'),
    observe(6, 'ok', (instance) => signedBy(signer, instance, order)),
    observe(3, 'VERIFICATION_FAILED:SIGNATURE_MISMATCH', (instance) => forged(instance, order)),
    during(
      nonceStore,
      observe(2, 'NONCE_STORE_UNAVAILABLE', (instance) => signedBy(signer, instance, order)),
    ),

    useKey('hybrid', 9, 'ada', order, '/orders'),
    useKey('hybrid', 5, 'bob', one, '/orders/:id'),
    useKey('hybrid', 4, 'cleo', json(ORDER, { path: '/payments' }), '/payments'),
    useKey('hybrid', 3, 'dan', order, '/orders'),
    useKey('hybrid', 1, 'eve', one, '/orders/:id'),
    seal(8, v1, 'v1', '/orders'),
    seal(14, v2, 'v2', '/orders'),
    seal(2, v3, 'v3', '/payments'),
    {
      mode: 'hybrid',
      times: 6,
      async run(instance) {
        await instance.expect(200, await signedBy(signer, instance, one));
        return [acceptedSigned('signer')];
      },
    },
    {
      mode: 'hybrid',
      times: 5,
      async run(instance) {
        const twice = await signedBy(replayer, instance, one);
        await instance.expect(200, twice);
        await instance.expect(409, twice);
        return [acceptedSigned('replayer'), { request: refused('xlink', 'REPLAY_DETECTED') }];
      },
    },
    {
      mode: 'hybrid',
      times: 3,
      async run(instance) {
        const session = await RawCaller.for(v2, `http://${instance.address}`);
        const sealed = await session.seal({ path: '/orders' });
        for (const status of [200, 409])
          if ((await session.send(sealed)).status !== status) throw new Error(`not answered by ${status}`);
        const envelope = { version: '2', form: 'session' };
        return [
          { request: accepted('xlink', 'v2', '/orders'), envelope, session: { version: '2' } },
          {
            request: refused('xlink', 'REPLAY_DETECTED', 'v2'),
            sessionRefusal: { at: 'request', reason: 'REPLAY_DETECTED' },
          },
        ];
      },
    },
    {
      mode: 'hybrid',
      times: 1,
      async run(instance) {
        await instance.expect(401, { path: '/.well-known/xlink/session', method: 'POST' });
        const reason = 'CREDENTIALS_MISSING';
        return [{ request: refused('none', reason), sessionRefusal: { at: 'handshake', reason } }];
      },
    },
    fail(4, 401, 'API_KEY_INVALID', async () => withKey(order, 'somebody guesses'), 'api-key'),
    fail(3, 401, 'CREDENTIALS_MISSING', async () => order, 'none'),
    fail(4, 401, 'VERIFICATION_FAILED:SIGNATURE_MISMATCH', (instance) => forged(instance, one)),
    fail(2, 401, 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY', (instance) => signedBy(stranger, instance, one)),
    during(
      nonceStore,
      fail(3, 503, 'NONCE_STORE_UNAVAILABLE', (instance) => signedBy(signer, instance, one)),
    ),
    during(
      registrySwitch,
      fail(2, 503, 'LOOKUP_FAILED', (instance) => signedBy(signer, instance, one)),
    ),
    {
      mode: 'hybrid',
      times: 2,
      async run(instance) {
        await instance.expect(200, await signedBy(both, instance, one));
        await instance.adapter.close(); // writes what is counted: now it is known to work on xLink
        const isRefusing = instance.refusesDowngrades;
        await instance.expect(isRefusing ? 401 : 200, byKey('both', order));
        const request = isRefusing
          ? refused('api-key', 'API_KEY_LATCHED', 'both')
          : accepted('api-key', 'both', '/orders');
        return [acceptedSigned('both'), { request, downgrade: { refused: String(isRefusing) } }];
      },
    },

    useKey('deprecation', 2, 'finn', order, '/orders'),
    {
      mode: 'deprecation',
      times: 3,
      async run(instance) {
        await instance.expect(200, await signedBy(signer, instance, one));
        return [acceptedSigned('signer')];
      },
    },
  ];
}

const MODES: readonly Mode[] = ['observe', 'hybrid', 'deprecation'];

/** Lets everybody do everything, `later` as often as it says, else once, and returns what has to be counted. */
export async function round(orders: Orders, later: boolean): Promise<Entry[]> {
  const entries: Entry[] = [];
  const acts = actsOf(orders);
  for (const mode of MODES) {
    for (const instance of orders.instances) instance.adapter.setMode(mode);
    for (const instance of orders.instances)
      for (const act of acts.filter((one) => one.mode === mode))
        for (let left = later ? act.times : 1; left > 0; left--)
          for (const counted of await act.run(instance))
            entries.push({ ...counted, job: JOB, instance: instance.address, later });
  }
  return entries;
}
