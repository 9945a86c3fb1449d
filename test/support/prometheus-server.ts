import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { programFile } from './needs-program.js';

export interface PrometheusSetup {
  /** Job names, and where the instances of each are scraped: `127.0.0.1:port`, at `/metrics`. */
  readonly targets: Readonly<Record<string, string | readonly string[]>>;
  /** What it shows of itself where it scrapes: `Authorization: Bearer`. Default nothing. */
  readonly bearer?: string;
  /** Absolute paths of recording and alerting rules. */
  readonly ruleFiles?: readonly string[];
  /** Also how often rules are evaluated. Default 200. */
  readonly scrapeIntervalMs?: number;
}

/** One row of a query: its labels, and its value. */
export interface Row {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A trace that is pinned to a sample. */
export interface Exemplar {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** The series it belongs to, with `__name__`. */
  readonly series: Readonly<Record<string, string>>;
}

const START_MS = 20_000;
const STOP_MS = 5_000;

/** A real Prometheus on a free port of this machine, its data in a folder of its own. For suites under `describeWith(['prometheus'], …)`. */
export class PrometheusServer {
  readonly url: string;
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(url: string, process: ChildProcess, folder: string) {
    this.url = url;
    this.#process = process;
    this.#folder = folder;
  }

  /** Resolves when it is ready. Stop it in `afterAll`. */
  static async start(setup: PrometheusSetup): Promise<PrometheusServer> {
    const folder = mkdtempSync(join(tmpdir(), 'xlink-prometheus-'));
    try {
      writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(configOf(setup))); // YAML takes JSON
      // Somebody else may take the port before Prometheus does; then another one is tried.
      for (let left = 3; ; left--) {
        const server = await PrometheusServer.#launch(folder);
        if (await server.#ready()) return server;
        if (left === 1) throw new Error('prometheus did not start');
        await server.#end();
      }
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  static async #launch(folder: string): Promise<PrometheusServer> {
    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn(
      programFile('prometheus'),
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=${address}`,
        '--enable-feature=exemplar-storage',
      ],
      { stdio: 'ignore' },
    );
    child.on('error', () => {}); // it never became ready: that is what is reported
    return new PrometheusServer(`http://${address}`, child, folder);
  }

  /** The rows of an instant query. Throws what Prometheus says about a query that it does not understand. */
  async rows(promql: string): Promise<Row[]> {
    const { result, resultType } = await this.api<{ result: RawRow[]; resultType: string }>('query', {
      query: promql,
    });
    if (resultType === 'scalar') return [{ labels: {}, value: Number((result as unknown as RawValue)[1]) }];
    return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  /** The values of an instant query, by the values of their labels, joined by a space. */
  async query(promql: string): Promise<Record<string, number>> {
    const rows = await this.rows(promql);
    return Object.fromEntries(rows.map(({ labels, value }) => [Object.values(labels).join(' '), value]));
  }

  /** The exemplars of the last hour in the series that a query names. */
  async queryExemplars(promql: string): Promise<Exemplar[]> {
    const now = Date.now() / 1000;
    const found = await this.api<{ seriesLabels: Row['labels']; exemplars: RawExemplar[] }[]>(
      'query_exemplars',
      { query: promql, start: String(now - 3600), end: String(now + 60) },
    );
    return found.flatMap(({ seriesLabels, exemplars }) =>
      exemplars.map(({ labels, value }) => ({ labels, value: Number(value), series: seriesLabels })),
    );
  }

  /** `data` of an answer of `/api/v1/<path>`, such as `rules` or `targets`. Throws if it is an error. */
  async api<T>(path: string, parameters: Record<string, string> = {}): Promise<T> {
    const response = await fetch(`${this.url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== 'success') throw new Error(`Prometheus: ${answer.error}`);
    return answer.data;
  }

  /** Asks again and again until the answer is yes: it is another process that has to get there. */
  async until(what: string, isSo: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!(await isSo())) {
      if (performance.now() > deadline) throw new Error(`Prometheus: waited in vain for ${what}`);
      await wait(50);
    }
  }

  /** Resolves when everything that a job shows now can be queried. */
  async nextScrape(job: string): Promise<void> {
    const began = await this.#scrapeAfter(job, Date.now());
    // A scrape counts as done shortly before its samples are there; they are when the next one is done.
    await this.#scrapeAfter(job, began);
  }

  /** When the first good scrape after `time` began, in ms since 1970. */
  async #scrapeAfter(job: string, time: number): Promise<number> {
    let last = 0;
    await this.until(`a scrape of ${job}`, async () => {
      const { activeTargets } = await this.api<{ activeTargets: RawTarget[] }>('targets', {
        state: 'active',
      });
      const target = activeTargets.find(({ labels }) => labels['job'] === job);
      if (!target) return false; // targets are taken up some seconds after the start
      last = Date.parse(target.lastScrape);
      return last > time && target.health === 'up';
    });
    return last;
  }

  /** Ends the process and deletes its data. */
  async stop(): Promise<void> {
    await this.#end();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #end(): Promise<void> {
    const { exitCode, signalCode, pid } = this.#process;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill();
    const hurry = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(hurry);
  }

  /** False if it ended instead. */
  async #ready(): Promise<boolean> {
    const deadline = performance.now() + START_MS;
    while (this.#process.exitCode === null && performance.now() < deadline) {
      const answer = await fetch(`${this.url}/-/ready`).catch(() => undefined);
      if (answer?.ok) return true;
      await wait(50);
    }
    return false;
  }
}

type RawValue = [time: number, value: string];
interface RawRow {
  readonly metric: Record<string, string>;
  readonly value: RawValue;
}
interface RawExemplar {
  readonly labels: Record<string, string>;
  readonly value: string;
}
interface RawTarget {
  readonly labels: Record<string, string>;
  readonly health: 'up' | 'down' | 'unknown';
  readonly lastScrape: string;
}

function configOf({ targets, bearer, ruleFiles = [], scrapeIntervalMs = 200 }: PrometheusSetup) {
  const interval = `${scrapeIntervalMs}ms`;
  return {
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: ruleFiles,
    scrape_configs: Object.entries(targets).map(([job_name, instances]) => ({
      job_name,
      static_configs: [{ targets: [instances].flat() }],
      ...(bearer === undefined ? {} : { authorization: { credentials: bearer } }),
    })),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
