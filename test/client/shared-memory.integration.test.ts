import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fileIdentity, generateIdentity, type ServiceMemory } from '@private.me/xlink';
import { build } from 'esbuild';
import { afterTest } from '../support/after-test.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { ManInTheMiddle } from './man-in-the-middle.js';
import type { Told } from './sharing-caller.js';
import { fetchFor, idOfRejection, KEY, serveApi } from './support.js';

const DOCUMENT = '/.well-known/xlink.json';
const ROUNDS = 8;

const suite = mkdtempSync(join(tmpdir(), 'xlink-sharing-'));
const program = join(suite, 'caller.mjs');
beforeAll(() =>
  build({
    entryPoints: [fileURLToPath(new URL('sharing-caller.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  }),
);
afterAll(() => rmSync(suite, { recursive: true }));

/** Processes that stay, so that they begin at the same time. */
function processes(count: number): ChildProcess[] {
  const children = Array.from({ length: count }, () => fork(program));
  afterTest(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });
  return children;
}

async function tell(child: ChildProcess, told: Told): Promise<unknown[]> {
  child.send(told);
  return (await once(child, 'message'))[0];
}

async function identityFile(): Promise<string> {
  const path = join(await temporaryFolder(), 'caller.der');
  await fileIdentity(path).save((await generateIdentity()).value!.exportPKCS8());
  return path;
}

const provenIn = async (path: string): Promise<Record<string, boolean>> => {
  const { services } = JSON.parse(await readFile(`${path}.services.json`, 'utf8'));
  return Object.fromEntries(
    Object.entries(services).map(([url, known]) => [url, (known as { proven: boolean }).proven]),
  );
};

const allProven = (urls: readonly string[]) => Object.fromEntries(urls.map((url) => [url, true]));
const manyDids = { enrollmentsPerMinute: 10_000, maxDidsPerClient: 10_000 };
const apis = async (count: number) => Promise.all(Array.from({ length: count }, () => serveApi(manyDids)));

describe('what several learn at the same time [B4]', () => {
  test('in several processes with several clients each is kept by all', async () => {
    const urls = (await apis(6)).map(({ url }) => url);
    const children = processes(3);
    for (let round = 0; round < ROUNDS; round++) {
      const path = await identityFile();
      const results = await Promise.all(
        children.map((child, at) => tell(child, { path, apiKey: KEY, urls: urls.slice(2 * at, 2 * at + 2) })),
      );
      expect(results.flat()).toEqual(urls.map(() => 200));
      expect(await provenIn(path)).toEqual(allProven(urls));
    }
  }, 120_000);

  test('in one process is kept by all, and no forged 404 brings the key back', async () => {
    const services = await apis(4);
    const path = await identityFile();
    const men = await Promise.all(services.map(({ url }) => ManInTheMiddle.before(url)));
    const fetches = men.map(({ url }) => fetchFor(url, { identity: fileIdentity(path) }));
    await Promise.all(fetches.map((fetch) => fetch('/a')));
    expect(await provenIn(path)).toEqual(allProven(men.map(({ url }) => url)));
    for (const man of men) {
      man.seen.length = 0;
      man.at(DOCUMENT, () => ({ status: 404 }));
      const again = fetchFor(man.url, { identity: fileIdentity(path) });
      expect(await idOfRejection(again('/a'))).toBe('DISCOVERY_FAILED:WITHHELD');
      expect(man.saw(KEY)).toBe(false);
    }
  });

  test('is there if an answer is, whenever a process is killed; others go on, and nothing is left', async () => {
    const urls = (await apis(4)).map(({ url }) => url);
    const path = await identityFile();
    const answered = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      const [victim, other] = processes(2) as [ChildProcess, ChildProcess];
      const [first, ...rest] = [...urls.slice(round % 4), ...urls.slice(0, round % 4)] as [
        string,
        ...string[],
      ];
      const dying = tell(victim, { path, apiKey: KEY, urls: rest }).catch(() => []);
      setTimeout(() => victim.kill('SIGKILL'), 150 + Math.random() * 250);
      const gone = once(victim, 'exit');
      expect(await tell(other, { path, apiKey: KEY, urls: [first] })).toEqual([200]);
      answered.add(first);
      await Promise.race([dying, gone]);
      await gone;
      expect(await provenIn(path)).toMatchObject(allProven([...answered]));
    }
    await fetchFor(urls[0]!, { identity: fileIdentity(path) })('/a');
    const names = (await readdir(join(path, '..'))).map((name) => name.replace(/lock-\d+$/, 'lock-N'));
    expect(names.sort()).toEqual([
      'caller.der',
      'caller.der.services.json',
      'caller.der.services.json.lock-N',
    ]);
  }, 120_000);
});

describe('what another client has learned meanwhile [B4]', () => {
  test('counts at once where this one has seen no document yet', async () => {
    const api = await serveApi();
    const man = await ManInTheMiddle.before(api.url);
    const path = await identityFile();
    const fetch = fetchFor(man.url, { identity: fileIdentity(path) });
    man.at(DOCUMENT, () => ({ status: 404 }));
    expect(await (await fetch('/a')).json()).toMatchObject({ mode: 'api-key' });
    man.rule = (_request, forward) => forward();
    expect((await fetchFor(man.url, { identity: fileIdentity(path) })('/a')).status).toBe(200);
    man.seen.length = 0;
    man.at(DOCUMENT, () => ({ status: 404 }));
    expect(await idOfRejection(fetch('/a'))).toBe('DISCOVERY_FAILED:WITHHELD');
    expect(man.saw(KEY)).toBe(false);
  });

  test('is taken, and proven once: the file is not written again', async () => {
    const { url } = await serveApi();
    const path = await identityFile();
    const fetches = [0, 1].map(() => fetchFor(url, { identity: fileIdentity(path) }));
    await Promise.all(fetches.map((fetch) => fetch('/a')));
    const before = await readFile(`${path}.services.json`, 'utf8');
    for (const fetch of fetches) expect((await fetch('/a')).status).toBe(200);
    expect(await readFile(`${path}.services.json`, 'utf8')).toBe(before);
  });

  test('is forgotten where another forgets it for the operator', async () => {
    const man = await ManInTheMiddle.before((await serveApi()).url);
    const path = await identityFile();
    let laterMs = 0;
    const options = () => ({ identity: fileIdentity(path), clock: () => Date.now() + laterMs });
    const [fetch, other] = [fetchFor(man.url, options()), fetchFor(man.url, options())];
    for (const each of [fetch, other]) expect((await each('/a')).status).toBe(200);
    await other.forget(man.url);
    man.at(DOCUMENT, () => ({ status: 404 }));
    laterMs = 4 * 60_000;
    expect(await (await fetch('/a')).json()).toMatchObject({ mode: 'api-key' });
  });
});

/** Keeps text, slowly. */
class SlowMemory implements ServiceMemory {
  text: string | undefined;
  saves = 0;

  async load() {
    await new Promise(setImmediate);
    return this.text;
  }

  async save(json: string) {
    await new Promise(setImmediate);
    this.saves += 1;
    this.text = json;
  }
}

/** Saves only if nobody else did since. */
class ComparingMemory extends SlowMemory {
  again = 0;

  async update(change: (json: string | undefined) => Promise<string | undefined>) {
    for (; ; this.again++) {
      const before = await this.load();
      const json = await change(before);
      await new Promise(setImmediate);
      if (before !== this.text) continue;
      if (json !== undefined) this.text = json;
      return;
    }
  }
}

describe('a memory of the user [B4]', () => {
  const textIn = ({ text }: SlowMemory) =>
    Object.entries(JSON.parse(text!).services).map(([url, known]) => [
      url,
      (known as { proven: boolean }).proven,
    ]);

  test('that several clients are given as one object loses nothing with load and save', async () => {
    const urls = (await apis(4)).map(({ url }) => url);
    const services = new SlowMemory();
    await Promise.all(urls.map((url) => fetchFor(url, { services })('/a')));
    expect(Object.fromEntries(textIn(services))).toEqual(allProven(urls));
  });

  test('with update loses nothing, although each client has an object of its own', async () => {
    const urls = (await apis(4)).map(({ url }) => url);
    const shared = new ComparingMemory();
    const services = () => ({
      load: () => shared.load(),
      save: (json: string) => shared.save(json),
      update: (change: (json: string | undefined) => Promise<string | undefined>) => shared.update(change),
    });
    await Promise.all(urls.map((url) => fetchFor(url, { services: services() })('/a')));
    expect(Object.fromEntries(textIn(shared))).toEqual(allProven(urls));
    expect([shared.saves, shared.again > 0]).toEqual([0, true]);
  });

  test('whose update rejects, or does not call what it is given, is not believed', async () => {
    const { url, handled } = await serveApi({ mode: 'observe' });
    for (const update of [() => Promise.reject(new Error('full')), async () => {}]) {
      const services = Object.assign(new SlowMemory(), { update });
      expect(await idOfRejection(fetchFor(url, { services })('/a'))).toBe('SERVICE_MEMORY_FAILED');
    }
    expect(handled).toEqual([]);
  });

  test('gets to know of no error: what is refused is told to the caller alone', async () => {
    const man = await ManInTheMiddle.before((await serveApi()).url);
    const services = new ComparingMemory();
    expect((await fetchFor(man.url, { services })('/a')).status).toBe(200);
    const known = JSON.parse(services.text!);
    known.services[man.url].issuedAt += 60_000;
    known.services[man.url].says = 'x';
    services.text = JSON.stringify(known);
    expect(await idOfRejection(fetchFor(man.url, { services })('/a'))).toBe('DISCOVERY_FAILED:ROLLED_BACK');
    expect(services.text).toBe(JSON.stringify(known));
  });
});
