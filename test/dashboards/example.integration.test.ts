import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ADMIN_TOKEN, Api, type Ask } from '../examples/api.js';
import { describeWith } from '../support/needs-program.js';
import { PrometheusServer } from '../support/prometheus-server.js';
import { compare } from './compare.js';
import { EXPECTED, type State } from './expected.js';
import { readDashboard, substituted, targetsOf } from './files.js';
import { type Entry, Ledger, type RequestLabels } from './ledger.js';
import { askAt, meanInterval, scrapes } from './prometheus.js';
import { type Choice, chosen, View } from './view.js';

const JOB = 'example';
/** Panels that need nothing but requests; those about clients, gates and dates depend on what the example switches on. */
const PANELS = [
  'Adoption now',
  'Mode',
  'Instances',
  'Adoption',
  'Accepted requests by method',
  'Mode over time',
  'Adoption by route',
  'Accepted requests by route',
  'Requests by key',
  'Routes that are called by key',
  'Refused requests by reason',
  'Refused requests in this range',
  'Envelopes that did not verify',
  'Replays and downgrades in this range',
  'Accepted envelopes by version',
];

describeWith(['prometheus'], 'the example app on the dashboard', () => {
  const targets = targetsOf(readDashboard());
  const entries: Entry[] = [];
  let api: Api;
  let prometheus: PrometheusServer;
  let choice: Choice;
  let ended: number;
  let intervalMs: number;

  /** Sends, holds the status against what is expected, and writes down what it has to be counted as. */
  const expectAnswer = async (later: boolean, answer: ReturnType<Ask>, status: number, counted: Counted) => {
    expect((await answer).status).toBe(status);
    const instance = new URL(api.url).host;
    const { envelope, ...request } = counted;
    entries.push({
      request: { client: '', ...request },
      ...(envelope ? { envelope } : {}),
      job: JOB,
      instance,
      later,
    });
  };

  beforeAll(async () => {
    api = await Api.open();
    prometheus = await PrometheusServer.start({
      targets: { [JOB]: new URL(api.url).host },
      bearer: ADMIN_TOKEN,
    });
    const withKey = await api.customer('Ada');
    const moved = await api.customer('Bob');
    const [byKey, byXlink] = [api.byKey(withKey.apiKey), api.byXlink(moved)];
    const order = { product: 'espresso-1kg', quantity: 1 };
    const traffic = async (later: boolean, times: number) => {
      for (let left = times; left > 0; left--) {
        const answer = (reply: ReturnType<Ask>, status: number, counted: Counted) =>
          expectAnswer(later, reply, status, counted);
        await answer(byKey('GET', '/orders'), 200, accepted('api-key', '/orders'));
        await answer(byKey('GET', '/orders/7'), 404, accepted('api-key', '/orders/:id'));
        for (let twice = 2; twice > 0; twice--)
          await answer(byXlink('GET', '/orders'), 200, sealedOrSigned('/orders', 'signed'));
        await answer(byXlink('POST', '/orders', order), 201, sealedOrSigned('/orders', 'sealed'));
        await answer(api.byKey('not a key')('GET', '/orders'), 401, refused('api-key', 'API_KEY_INVALID'));
        await answer(anonymous('GET', '/orders'), 401, refused('none', 'CREDENTIALS_MISSING'));
      }
    };
    const anonymous: Ask = (_method, target) => api.anonymous.get(target) as unknown as ReturnType<Ask>;

    await traffic(false, 1);
    await scraped();
    const began = Date.now();
    await scrapes(prometheus, JOB, 1);
    for (let left = 5; left > 0; left--) {
      await traffic(true, left);
      await scrapes(prometheus, JOB, 3);
    }
    await scraped();
    await scrapes(prometheus, JOB, 1);
    ended = Date.now();
    const stepMs = ended - began;
    choice = { job: JOB, top: 10, rangeMs: 3_600_000, stepMs, rangeIsAll: true };
    intervalMs = await meanInterval(prometheus, JOB, stepMs, ended);
  }, 60_000);

  afterAll(async () => {
    await prometheus?.stop();
    await api?.destroy();
  });

  const scraped = () =>
    prometheus.until('all requests to be counted', async () => {
      const counted = await prometheus.query(`sum(xlink_requests_total{job="${JOB}"})`);
      return counted[''] === entries.length;
    });

  test.each(targets.map(({ panel, target }) => [panel.title, target.refId, target.expr] as const))(
    'panel %s, query %s',
    async (title, refId, expr) => {
      const rows = await askAt(prometheus, substituted(expr, chosen(choice)), ended); // throws if it is not understood
      if (!PANELS.includes(title)) return;
      const state = { mode: 'hybrid', instances: 1 } as State;
      const expected = EXPECTED[title]![refId]!(new View(new Ledger(entries), choice), state);
      compare(`${title} ${refId}`, rows, expected, choice, intervalMs);
    },
  );
});

type Counted = Omit<RequestLabels, 'client'> & Pick<Entry, 'envelope'>;

const accepted = (method: string, route: string): Counted => ({
  method,
  outcome: 'accepted',
  reason: 'ok',
  route,
});
const sealedOrSigned = (route: string, form: string): Counted => ({
  ...accepted('xlink', route),
  envelope: { version: '2', form },
});
const refused = (method: string, reason: string): Counted => ({
  method,
  outcome: 'refused',
  reason,
  route: 'unmatched',
});
