import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { afterTest, json, KEY, keyApi, xlinkApi } from './support.js';

const readme = fileURLToPath(new URL('../README.md', import.meta.url));
const FRONTS: Record<string, () => Promise<object>> = {
  '@private.me/xfuse': () => import('../src/index.js'),
  '@private.me/xfuse/metrics': () => import('../src/metrics.js'),
  '@private.me/xlink': () => import('@private.me/xlink'),
  '@private.me/xlink/client': () => import('@private.me/xlink/client'),
  '@private.me/xlink/redis': () => import('@private.me/xlink/redis'),
  express: () => import('express'),
  ioredis: () => import('ioredis'),
  koa: () => import('koa'),
};

/** The program of a snippet: its imports are looked up here, its places are those of this test. */
async function run(snippet: string, places: Record<string, string>): Promise<string[]> {
  let text = snippet
    .replace(/import (\{[^}]*\}|\w+) from '([^']+)';/g, (_, names: string, from: string) =>
      names.startsWith('{')
        ? `const ${names} = await load('${from}');`
        : `const ${names} = (await load('${from}')).default;`,
    )
    .replaceAll('process.env.API_KEY!', `'${KEY}'`)
    .replaceAll(' as const', '');
  for (const [place, other] of Object.entries(places)) text = text.replaceAll(place, other);
  const printed: string[] = [];
  const console = { log: (...parts: unknown[]) => void printed.push(parts.map(String).join(' ')) };
  const AsyncFunction = (async () => undefined).constructor as new (
    ...text: string[]
  ) => (...values: unknown[]) => Promise<void>;
  await new AsyncFunction('load', 'console', text)((from: string) => FRONTS[from]!(), console);
  return printed;
}

test('the snippets of the README run', async () => {
  const snippets = [...(await readFile(readme, 'utf8')).matchAll(/```ts\n([\s\S]*?)```/g)].map(
    ([, text]) => text!,
  );
  expect(snippets).toHaveLength(3);
  const legacy = await keyApi((_request, response) => json(response, { id: 17 }));
  const modern = await xlinkApi((_request, response) => void response.json({ id: 17 }));
  const folder = await mkdtemp(join(tmpdir(), 'xfuse-'));
  afterTest(() => rm(folder, { recursive: true }));
  const places = {
    'https://api.legacy.example': legacy.url,
    'https://api.example': modern.url,
    './': `${folder}/`,
  };
  expect(await run(snippets[0]!, places)).toEqual(['[object Object] same']);
  const [report, row] = await run(snippets[1]!, places);
  expect(report).toContain('0 answers compared');
  expect(row).toMatch(/^aci +0 % \[-{20}\]/);
  expect((await run(snippets[2]!, places))[0]).toMatch(/^did:key:z6Mk\w+ AAL2$/);
});

test('the snippets of the documents run', async () => {
  const folder = join(readme, '../docs');
  const legacy = await keyApi((_request, response) => json(response, {}));
  const places = {
    'https://api.legacy.example': legacy.url,
    '(redisClientOptions.ioredis)': '({ ...redisClientOptions.ioredis, lazyConnect: true })',
  };
  const names = (await readdir(folder)).filter((name) => name.endsWith('.md'));
  let ran = 0;
  for (const name of names)
    for (const [, text] of (await readFile(join(folder, name), 'utf8')).matchAll(/```ts\n([\s\S]*?)```/g)) {
      await run(text!, places);
      ran += 1;
    }
  expect(ran).toBe(3);
});
