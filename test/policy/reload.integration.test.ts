import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { MemoryOperationsStore, PolicyEngine, policyInStore, type XlinkEvent } from '@private.me/xlink';
import { policyFile } from '@private.me/xlink/file';
import { afterTest } from '../support/after-test.js';
import { thrownBy } from '../support/results.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { until } from '../support/until.js';
import { asked } from './requests.js';

const DENY = JSON.stringify({ rules: [{ scope: 'finance', effect: 'deny' }] });
const EMPTY = JSON.stringify({ rules: [] });

async function engineOf(source: Parameters<typeof PolicyEngine.create>[0]['source']) {
  const engine = await PolicyEngine.create({ source: source!, onWarning: () => {}, reloadIntervalMs: 100 });
  afterTest(() => engine.close());
  const events: XlinkEvent[] = [];
  engine.onEvent((event) => events.push(event));
  return { engine, events };
}

describe('a policy in a file', () => {
  test('counts as soon as the file is replaced; what is wrong with a new one leaves the old one in force', async () => {
    const path = join(await temporaryFolder(), 'policy.json');
    await writeFile(path, EMPTY);
    const { engine, events } = await engineOf(policyFile(path));
    const replace = async (text: string) => {
      await writeFile(`${path}.new`, text);
      await rename(`${path}.new`, path);
    };
    expect((await engine.decide(asked())).effect).toBe('allow');
    await replace(DENY);
    await until(() => engine.revision === 2);
    expect((await engine.decide(asked())).effect).toBe('deny');
    await replace('{ "rules": [{ "scop": "a" }] }');
    await until(() => events.some((event) => event.type === 'policy' && event.outcome === 'refused'));
    expect((await engine.decide(asked())).effect).toBe('deny');
    const refused = events.find((event) => event.type === 'policy' && event.outcome === 'refused');
    expect(refused).toMatchObject({ reason: 'POLICY_INVALID', revision: 2, digest: engine.digest });
    expect((await thrownBy(() => engine.reload())).field).toBe('rules[0].scop');
    await replace(EMPTY);
    await until(() => engine.revision === 3);
  });

  test('tells what is wrong with it and where, that it is gone, and that it is back', async () => {
    const path = join(await temporaryFolder(), 'policy.json');
    await writeFile(path, DENY);
    const { engine, events } = await engineOf(policyFile(path));
    const replace = async (text: string) => {
      await writeFile(`${path}.new`, text);
      await rename(`${path}.new`, path);
    };
    const isTold = (facts: object) =>
      until(() => {
        const last = events.at(-1) as unknown as Record<string, unknown>;
        return Object.entries(facts).every(([name, value]) => last[name] === value);
      });
    await replace('{ "rules": [{ "scope": "a" }, { "require": ["2fa"] }] }');
    await isTold({ outcome: 'refused', reason: 'POLICY_INVALID', field: 'rules[1].require[0]' });
    await replace(DENY);
    await isTold({ outcome: 'in-force', revision: 1 });
    await rm(path);
    await isTold({ outcome: 'refused', reason: 'POLICY_INVALID:UNREADABLE' });
    expect((await engine.decide(asked())).effect).toBe('deny');
    await replace(DENY);
    await isTold({ outcome: 'in-force', revision: 1 });
    const refused = await thrownBy(() => engine.replace({ rules: [] }));
    expect([refused.id, refused.field, engine.revision]).toEqual(['INVALID_OPTION', 'source', 1]);
  });

  test('is followed through a link, as Kubernetes mounts it', async () => {
    const folder = await temporaryFolder();
    const version = async (name: string, text: string) => {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'policy.json'), text);
      await symlink(name, join(folder, '..data_tmp'));
      await rename(join(folder, '..data_tmp'), join(folder, '..data'));
    };
    await version('..1', EMPTY);
    await symlink('..data/policy.json', join(folder, 'policy.json'));
    const { engine } = await engineOf(policyFile(join(folder, 'policy.json')));
    await version('..2', DENY);
    await until(() => engine.revision === 2);
    expect((await engine.decide(asked())).effect).toBe('deny');
  });
});

test('a policy in a store is read by all instances, and who changed it here is told', async () => {
  const store = new MemoryOperationsStore();
  await store.save('policy/current', EMPTY, 0);
  const [one, other] = [await engineOf(policyInStore(store)), await engineOf(policyInStore(store))];
  await store.save('policy/current', DENY, 1);
  await one.engine.reload({ by: 'ops', why: 'audit 7' });
  expect(one.events.at(-1)).toMatchObject({ type: 'policy', revision: 2, by: 'ops', why: 'audit 7' });
  await until(() => other.engine.revision === 2);
  expect(other.engine.digest).toBe(one.engine.digest);
  await one.engine.reload();
  expect(one.engine.revision).toBe(2);
  expect((await thrownBy(() => PolicyEngine.create({ source: policyInStore(store), rules: [] }))).field).toBe(
    'rules',
  );
});
