import { randomBytes } from 'node:crypto';
import type { Envelope } from '@private.me/xlink';
import type { RelayStore } from '@private.me/xlink/server';
import { identityOf } from '../../support/agents.js';
import { answered, type Model, type Surroundings } from './model.js';

const MAX_WAITING = 200;

/** One mailbox of a relay store. */
export async function relayModel(around: Surroundings, store: () => RelayStore): Promise<Model> {
  const { random, tally, limitMs, name } = around;
  const [{ did: from }, { did: to }] = await Promise.all([
    identityOf('soak sender', 1),
    identityOf(`soak mailbox ${random.below(2 ** 30)}`, 1),
  ]);
  /** Stored and not fetched. */
  const waiting = new Set<string>();
  /** Fetched: never to be seen again. */
  const gone = new Set<string>();
  /** In the mailbox when it was seen last, those included whose answer got lost. */
  let ids = new Map<string, string>();

  function compare(nonces: readonly string[]): void {
    const found = new Set(nonces);
    if (found.size < nonces.length) tally.wrong(`${name}: a message is there twice`);
    for (const nonce of waiting) if (!found.has(nonce)) tally.wrong(`${name}: a message was lost`);
    for (const nonce of found) if (gone.has(nonce)) tally.wrong(`${name}: a message came back`);
  }

  const list = async (of: RelayStore) => {
    const found = await of.list(to, '', 10_000);
    ids = new Map(found.map(({ id, envelope }) => [envelope.nonce, id]));
    return found.map(({ envelope }) => envelope.nonce);
  };

  async function add(): Promise<void> {
    const envelope = { from, to, nonce: randomBytes(16).toString('base64url') } as Envelope;
    const posted = { envelope, bytes: JSON.stringify(envelope).length, copiesForMs: 361_000 };
    const one = store();
    const done = await tally.call(`${name} add`, limitMs, () => one.add(posted));
    if (done?.value === 'stored' || done?.value === 'known') waiting.add(envelope.nonce);
    else if (done) tally.wrong(`${name}: ${done.value}`);
  }

  async function ack(): Promise<void> {
    const fetched = [...ids].slice(0, 1 + random.below(50));
    const nonces = fetched.map(([nonce]) => nonce);
    if (nonces.length === 0) return;
    for (const nonce of nonces) waiting.delete(nonce); // from now on it may be gone
    const one = store();
    const done = await tally.call(`${name} ack`, limitMs, () =>
      one.ack(
        to,
        fetched.map(([, id]) => id),
      ),
    );
    if (done) for (const nonce of nonces) gone.add(nonce);
  }

  return {
    async step() {
      if (waiting.size < MAX_WAITING && random.below(2) === 0) return add();
      if (random.below(3) === 0) return ack();
      const one = store();
      const found = await tally.call(`${name} list`, limitMs, () => list(one));
      if (found) compare(found.value);
    },
    settle: async () => compare(await answered(around, 'list', () => list(store()))),
  };
}
