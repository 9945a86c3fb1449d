// The snippets of the README run as they stand there.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, jest, test } from '@jest/globals';
import { XlockVerifier } from '../src/index.js';
import { deviceOf, identityOf } from './support.js';

const readme = fileURLToPath(new URL('../README.md', import.meta.url));
const FRONTS: Record<string, () => Promise<object>> = {
  '@private.me/xlock': () => import('../src/index.js'),
  '@private.me/xlink': () => import('@private.me/xlink'),
  express: () => import('express'),
};

/** The program of a snippet: its imports are looked up here; `places` are its variables. */
async function run(snippet: string, places: Record<string, unknown> = {}): Promise<string[]> {
  const text = snippet
    .replace(/^declare const .*$/gm, '')
    .replace(/import (\{[^}]*\}|\w+) from '([^']+)';/g, (_, names: string, from: string) =>
      names.startsWith('{')
        ? `const ${names} = await load('${from}');`
        : `const ${names} = (await load('${from}')).default;`,
    );
  const printed: string[] = [];
  const console = { log: (...parts: unknown[]) => void printed.push(parts.map(String).join(' ')) };
  const AsyncFunction = (async () => undefined).constructor as new (
    ...text: string[]
  ) => (...values: unknown[]) => Promise<void>;
  const load = (from: string) => (places[from] as () => object)?.() ?? FRONTS[from]!();
  const names = Object.keys(places).filter((name) => /^\w+$/.test(name));
  await new AsyncFunction('load', 'console', ...names, text)(
    load,
    console,
    ...names.map((name) => places[name]),
  );
  return printed;
}

test('the snippets of the README run', async () => {
  const snippets = [...(await readFile(readme, 'utf8')).matchAll(/```ts\n([\s\S]*?)```/g)].map(
    ([, text]) => text!,
  );
  expect(snippets).toHaveLength(3);
  expect(await run(snippets[0]!)).toEqual([
    'https://acme.com/.well-known/xlock/register?service=acme.com'.slice(0, 45),
  ]);
  expect(await run(snippets[2]!)).toEqual(['0']);

  // The verifier of the snippet, with a device that approves what it is asked.
  const device = await deviceOf('phone');
  const known = new XlockVerifier({ origin: 'https://acme.com', identity: await identityOf('service') });
  const { text } = await known.createRegistrationChallenge({ userId: 'ada' });
  const registered = await known.verifyRegistration(await device.register(text));
  const createAuthChallenge = known.createAuthChallenge.bind(known);
  known.createAuthChallenge = async (request) => {
    const challenge = await createAuthChallenge(request);
    const answering = device.approve(challenge.text, { digits: challenge.match });
    void answering.then((answer) => known.respond(answer));
    return challenge;
  };
  const Known = jest.fn(() => known);
  const printed = await run(snippets[1]!, {
    userDid: registered.value!.did,
    '@private.me/xlock': () => ({ XlockVerifier: Known }),
  });
  expect(printed).toEqual([expect.stringMatching(/^Type \d\d on your device$/), device.id]);
});
