import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createKeyRecord, generateIdentity, type KeyRecord } from '@private.me/xlink';
import { BuiltPackage } from '../support/built-package.js';
import { NginxServer } from '../support/nginx-server.js';
import { unwrap } from '../support/results.js';
import { Child } from './child.js';

/** How requests of one kind were answered. */
export interface Answers {
  readonly statuses: Readonly<Record<string, number>>;
  /** When there was an answer with 200 (ms since 1970), at most one for every 10 ms. */
  readonly successes: readonly number[];
}

/** What a run of the load program saw: of signed requests, and of those with a key. Times in ms, but for `seconds`. */
export interface LoadReport extends Answers {
  readonly keyed: Answers;
  readonly sent: number;
  readonly seconds: number;
  readonly slowest: number;
  readonly p50: number;
  readonly p99: number;
}

export interface LoadOrder {
  readonly from: number;
  readonly to: number;
  /** Every so manieth request is sent in `copies` copies at the same moment; 0: none. */
  readonly copiedEvery: number;
  /** Every so manieth request comes with a key instead. Default 0: none. */
  readonly keyedEvery?: number;
  readonly untilMs?: number;
  /** Seals anew until a request is accepted, as a client would. */
  readonly retry?: boolean;
}

export interface FleetOptions {
  readonly redisPort: number;
  /** Where the registry and the clients are; without it, the callers are told to each instance. */
  readonly postgres?: object;
  /** Public keys of the callers are registered by this, where they are not told to the instances. */
  readonly enroll?: (callers: readonly KeyRecord[]) => Promise<void>;
  readonly mode?: 'hybrid' | 'xlink-only';
  readonly size?: number;
  /** How far the clock of each instance is off, in ms. */
  readonly clockOffsetsMs?: readonly number[];
  /** How long an instance remembers entries of the registry, in ms. */
  readonly cacheMs?: number;
  /** How long PostgreSQL may take for one call, in ms. */
  readonly timeoutMs?: number;
  /** How long Redis may take for one call, in ms. Default: what the store takes by itself. */
  readonly redisMs?: number;
  /** Requests under way at the same time. */
  readonly connections?: number;
  /** Copies of a request that is replayed, the first one included. */
  readonly copies?: number;
  /** Identities that send, three requests each in turn. */
  readonly callers?: number;
}

/** Several processes of one API behind nginx, and a process that loads them. All real, all on loopback. */
export class Fleet {
  readonly callers: readonly KeyRecord[];
  readonly instances: readonly Child[];
  readonly #load: Child;
  readonly #stops: readonly (() => unknown)[];

  private constructor(
    callers: readonly KeyRecord[],
    instances: readonly Child[],
    load: Child,
    stops: readonly (() => unknown)[],
  ) {
    this.callers = callers;
    this.instances = instances;
    this.#load = load;
    this.#stops = stops;
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const { size = 4, connections = 24, copies = 4, clockOffsetsMs = [], mode = 'xlink-only' } = options;
    const { redisPort, redisMs, postgres, cacheMs = 30_000, timeoutMs = 1000 } = options;
    const stops: (() => unknown)[] = [];
    try {
      const programs = copyPrograms(stops);
      const [api, ...senders] = await Promise.all(
        Array.from({ length: 1 + (options.callers ?? 1) }, async () => unwrap(await generateIdentity())),
      );
      const callers = await Promise.all(senders.map((sender) => createKeyRecord(sender)));
      await options.enroll?.(callers);
      const pkcs8 = base64(api!.exportPKCS8());
      const start = async (_: unknown, at: number) => {
        const shared = { pkcs8, redisPort, redisMs, postgres, callers, mode, cacheMs, timeoutMs };
        const settings = { ...shared, clockOffsetMs: clockOffsetsMs[at] ?? 0 };
        const file = join(programs, 'instance.mjs');
        const [child, { port }] = await Child.start<{ port: number }>(file, settings, ['--expose-gc']);
        stops.push(() => child.stop());
        return { child, port };
      };
      const up = await Promise.all(Array.from({ length: size }, start));
      const nginx = await NginxServer.start(up.map(({ port }) => port));
      stops.push(() => nginx.stop());
      const [load] = await Child.start(join(programs, 'load.mjs'), {
        port: nginx.port,
        api: await createKeyRecord(api!),
        callers: senders.map((sender) => base64(sender.exportPKCS8())),
        connections,
        copies,
      });
      stops.push(() => load.stop());
      return new Fleet(
        callers,
        up.map(({ child }) => child),
        load,
        stops,
      );
    } catch (error) {
      await stopAll(stops);
      throw error;
    }
  }

  /** Sends requests and resolves once all are answered. */
  load(order: LoadOrder): Promise<LoadReport> {
    return this.#load.ask<LoadReport>({ ask: 'load', ...order });
  }

  /** The load that is under way ends at that time, in ms since 1970. */
  async finish(atMs: number): Promise<void> {
    await this.#load.ask({ ask: 'finish', atMs });
  }

  /** Sends again, as they were, some hundred requests that were accepted lately but before then. How many got which answer. */
  resend(before: number): Promise<Record<string, number>> {
    return this.#load.ask({ ask: 'resend', before });
  }

  /** The answers of all instances. */
  askAll<T>(ask: string): Promise<T[]> {
    return Promise.all(this.instances.map((instance) => instance.ask<T>({ ask })));
  }

  /** How often each order got through to a handler, over all instances, since the last call. */
  async accepted(): Promise<Map<number, number>> {
    const counts = new Map<number, number>();
    for (const numbers of await this.askAll<number[]>('accepted'))
      for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1);
    return counts;
  }

  async stop(): Promise<void> {
    await stopAll(this.#stops);
  }
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

/** Last what came first. */
async function stopAll(stops: readonly (() => unknown)[]): Promise<void> {
  for (const stop of [...stops].reverse()) await stop();
}

/** Into a copy of the built package, so that they import what users import. */
function copyPrograms(stops: (() => unknown)[]): string {
  const copy = new BuiltPackage();
  stops.push(() => copy.remove());
  const root = new URL('../../', import.meta.url);
  for (const path of ['test/scale/programs', 'benchmarks/load.mjs'])
    cpSync(fileURLToPath(new URL(path, root)), join(copy.folder, path), { recursive: true });
  return join(copy.folder, 'test/scale/programs');
}
