import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Deployment } from '../deploy/deployment.js';
import { describeWith } from '../support/needs-program.js';
import { Child } from './child.js';
import { FULL, scaled } from './scale.js';

const KINDS = [
  'garbage',
  'unknown DIDs',
  'unknown DIDs, large',
  'bad signatures',
  'junk of 1 MiB',
  'slow bodies',
  'enrollments',
  'wrong keys',
];
/** These are not refused, or cost what a caller that is known may cost. */
const MORE_KINDS = ['envelopes in headers', 'large envelopes of a caller that is known', 'discovery'];
const FLOODED_MS = scaled(600_000, 6000);
/** Quiet and flood take turns, since neighbours on the machine change from second to second. */
const ROUNDS = scaled(20, 2);
const SLICE_MS = scaled(2000, 1000);
/** Two seconds tell little where others use the processor, which only adds: then the lowest of three counts. */
const ATTEMPTS = scaled(1, 3);
/** Of a core, for a flood from one address. */
const MAX_CPU_SHARE = 0.25;
const MIB = 2 ** 20;

interface Sent {
  readonly times: readonly number[];
  readonly failures: Counts;
}

type Counts = Readonly<Record<string, number>>;

function added(a: Counts, b: Counts): Counts {
  const sums = { ...a };
  for (const [name, count] of Object.entries(b)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

const quantile = (times: readonly number[], q: number): number =>
  [...times].sort((a, b) => a - b)[Math.floor(q * times.length)]!;
const figures = ({ times }: Sent): string =>
  `p50 ${quantile(times, 0.5).toFixed(1)} ms, p99 ${quantile(times, 0.99).toFixed(1)} ms`;

describeWith(
  ['redis-server', 'redis-cli', 'initdb', 'postgres', 'nginx'],
  'one instance of the deployed app, in 256 MiB, under floods from one address',
  () => {
    let deployment: Deployment;
    let good: Child;
    let flood: Child;

    beforeAll(async () => {
      deployment = await Deployment.start(1, { NODE_OPTIONS: '--max-old-space-size=160' });
      const root = new URL('../../', import.meta.url);
      for (const path of ['test/scale/programs', 'benchmarks/load.mjs'])
        cpSync(fileURLToPath(new URL(path, root)), join(deployment.folder, path), { recursive: true });
      const program = (name: string) => join(deployment.folder, 'test/scale/programs', name);
      const apiKey = await deployment.operate('add-customer', 'acme', 'orders:read', 'orders:write');
      const otherKey = await deployment.operate('add-customer', 'umbrella', 'orders:read', 'orders:write');
      const { url, port } = deployment.instances[0]!; // nginx would keep slow bodies from it
      const caller = { url, port, apiKey, address: '198.51.100.7' };
      const [one, { caller: victim }] = await Child.start<{ caller: string }>(
        program('good-callers.mjs'),
        caller,
      );
      good = one;
      const settings = { url, port, victim, apiKey: otherKey, address: '192.0.2.66' };
      [flood] = await Child.start(program('flood.mjs'), settings);
      await good.ask({ ask: 'send', ms: 2000 }); // warm
    }, 180_000);

    afterAll(async () => {
      await flood?.stop();
      await good?.stop();
      await deployment?.stop();
    });

    /** What good callers saw, and how the flood was answered. */
    async function under(kind: string) {
      const quiet: Sent[] = [];
      const flooded: Sent[] = [];
      let statuses: Counts = {};
      const instance = deployment.instances[0]!;
      let [quietCpu, floodedCpu, paced] = [0, 0, 0];
      const measured = async () => {
        const before = instance.cpuSeconds;
        const sent = await good.ask<Sent>({ ask: 'send', ms: SLICE_MS });
        return { sent, cpu: instance.cpuSeconds - before };
      };
      for (let round = 0; round < ROUNDS; round++) {
        const before = await measured();
        await flood.ask({ ask: 'start', kind });
        const begun = await measured(); // an address has its first refusals at once, before it is paced
        const during = await measured();
        quiet.push(before.sent);
        flooded.push(begun.sent, during.sent);
        paced += during.sent.times.length;
        quietCpu += before.cpu;
        floodedCpu += during.cpu;
        statuses = added(statuses, await flood.ask({ ask: 'stop' }));
      }
      const all = { quiet: together(quiet), flooded: together(flooded) };
      const forGood = (quietCpu / all.quiet.times.length) * paced;
      const cpuShare = (floodedCpu - forGood) / ((ROUNDS * SLICE_MS) / 1000);
      return { ...all, statuses, cpuShare };
    }

    const together = (all: readonly Sent[]): Sent => ({
      times: all.flatMap(({ times }) => times),
      failures: all.reduce((sum, { failures }) => added(sum, failures), {}),
    });

    test.each(KINDS)(
      '[E11] [E21] %s: good callers get through, in at most three times as long',
      async (kind) => {
        let least = Number.POSITIVE_INFINITY;
        for (let attempt = 0; attempt < ATTEMPTS && least >= MAX_CPU_SHARE; attempt++) {
          const { quiet, flooded, statuses, cpuShare } = await under(kind);
          const resident = Math.round(deployment.instances[0]!.residentBytes / MIB);
          console.log(
            `${kind}: quiet ${figures(quiet)}; flooded ${figures(flooded)}, failed ${JSON.stringify(flooded.failures)}; flood ${JSON.stringify(statuses)}, ${Math.round(100 * cpuShare)} % of a core; ${resident} MiB`,
          );
          // What waits for a processor that others use may miss the 250 ms of the nonces, flood or not.
          const failed = Object.values(flooded.failures).reduce((sum, count) => sum + count, 0);
          expect(failed).toBeLessThanOrEqual(FULL ? 0 : flooded.times.length / 100);
          expect(Object.keys(statuses).filter((status) => status.startsWith('2'))).toEqual([]);
          expect(resident).toBeLessThan(256);
          least = Math.min(least, cpuShare);
          if (FULL) expect(quantile(flooded.times, 0.99)).toBeLessThan(3 * quantile(quiet.times, 0.99));
        }
        expect(least).toBeLessThan(MAX_CPU_SHARE);
      },
      120_000 + ATTEMPTS * ROUNDS * SLICE_MS * 3,
    );

    test(
      `[E11] ${FLOODED_MS / 1000} s of floods of every kind: 256 MiB are enough, and callers are served`,
      async () => {
        const kinds = [...KINDS, ...MORE_KINDS];
        const most: Record<string, number> = {};
        for (const kind of kinds) {
          await flood.ask({ ask: 'start', kind });
          const until = performance.now() + FLOODED_MS / kinds.length;
          while (performance.now() < until) {
            await good.ask<Sent>({ ask: 'send', ms: 200 });
            most[kind] = Math.max(most[kind] ?? 0, Math.round(deployment.instances[0]!.residentBytes / MIB));
          }
          const statuses = await flood.ask<Counts>({ ask: 'stop' });
          if (MORE_KINDS.includes(kind)) console.log(`${kind}: ${JSON.stringify(statuses)}`);
        }
        console.log(`resident memory, MiB at most: ${JSON.stringify(most)}`);
        expect(Math.max(...Object.values(most))).toBeLessThan(256);
        const { times, failures } = await good.ask<Sent>({ ask: 'send', ms: 1000 });
        expect(times.length).toBeGreaterThan(10);
        expect(failures).toEqual({});
      },
      FLOODED_MS + 120_000,
    );
  },
);
