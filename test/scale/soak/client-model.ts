import type { ClientActivity, ClientStore, Did } from '@private.me/xlink';
import { identityOf } from '../../support/agents.js';
import { answered, type Model, Possible, type Surroundings } from './model.js';

/** One client of a client store, and DIDs that it and another one want. */
export function clientModel(around: Surroundings, store: () => ClientStore): Model {
  const { random, tally, limitMs, name } = around;
  const client = `client ${random.below(2 ** 30)}`;
  const requests = new Possible(0);
  /** What `keyOffSince` may be: what was acknowledged last, or what was not, as that may come later than anything else. */
  let keyOffSince: number | undefined;
  const doubtful = new Set<number>();
  const owners = new Map<Did, string>();
  let turn = 0;
  /** Activity that was not acknowledged is given again, as the adapter does it. */
  let again: { readonly activity: ClientActivity; readonly batch: string } | undefined;

  const call = <T>(what: string, work: (to: ClientStore) => Promise<T> | T) => {
    const to = store();
    return tally.call(`${name} ${what}`, limitMs, () => work(to));
  };

  function compare(record: Awaited<ReturnType<ClientStore['get']>>): void {
    const seen = record?.keyRequests ?? 0;
    if (!requests.includes(seen)) tally.wrong(`${name}: ${seen} requests instead of ${requests}`);
    const since = record?.keyOffSince;
    if (since !== keyOffSince && !doubtful.has(since ?? 0))
      tally.wrong(`${name}: key off since ${since} instead of ${keyOffSince}`);
  }

  async function add(): Promise<void> {
    const isNew = !again;
    const keyRequests = 1 + random.below(5);
    again ??= {
      activity: { client, keyRequests, xlinkRequests: 0, failures: {} },
      batch: `${client} ${turn++}`,
    };
    const { activity, batch } = again;
    const done = await call('add', (to) => to.add([activity], batch));
    if (isNew) requests.change((now) => now + activity.keyRequests, done !== undefined);
    if (done) isIn();
  }

  /** The latest activity, once, whatever became of it before. */
  function isIn(): void {
    requests.keep((now, all) => now === Math.max(...all));
    again = undefined;
  }

  async function setKeyOff(): Promise<void> {
    const since = ++turn;
    const done = await call('setKeyOff', (to) => to.setKeyOff(client, since));
    if (done) keyOffSince = since;
    else doubtful.add(since);
  }

  async function link(): Promise<void> {
    const { did } = await identityOf(`soak ${random.below(1000)}`, 1);
    const wanted = random.pick([client, `${client} too`]);
    const linked = await call('link', (to) => to.link(did, wanted));
    if (linked) sees(did, linked.value);
  }

  async function clientOf(): Promise<void> {
    const did = random.pick([...owners.keys(), undefined]);
    const found = did && (await call('clientOf', (to) => to.clientOf(did)));
    if (found) sees(did!, found.value);
  }

  /** The first owner stays. Other models want the same DIDs, so one that is linked may be theirs. */
  function sees(did: Did, owner: string | undefined): void {
    const before = owners.get(did);
    if (before !== undefined && before !== owner)
      tally.wrong(`${name}: ${did} was linked to ${before}, now ${owner}`);
    if (owner !== undefined) owners.set(did, owner);
  }

  return {
    async step() {
      const step = random.pick([add, setKeyOff, link, clientOf, undefined, undefined]);
      if (step) return step();
      const found = await call('get', (to) => to.get(client));
      if (found) compare(found.value);
    },
    async settle() {
      if (again) {
        const { activity, batch } = again;
        await answered(around, 'add', () => store().add([activity], batch));
        isIn();
      }
      compare(await answered(around, 'get', () => store().get(client)));
      for (const did of owners.keys())
        sees(did, await answered(around, 'clientOf', () => store().clientOf(did)));
    },
  };
}
