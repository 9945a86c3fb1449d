import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import * as root from '@private.me/xlink';
import { identityOf } from '../support/agents.js';
import { verdictOn } from '../support/needs-program.js';
import { unwrap } from '../support/results.js';
import { World } from '../support/world.js';

/** The snippet of the white papers, word for word; only the DID, of which they show the beginning, is filled in. */
const SNIPPET = `
// Service advertises capabilities
const agent = new Agent({
  name: 'payments-service',
  identity: identity,
  capabilities: [
    { name: 'createCharge', scopes: ['payments'] },
    { name: 'refundCharge', scopes: ['payments'] },
    { name: 'getBalance', scopes: ['payments:read'] }
  ]
});
// Other agents discover capabilities
const disco = await agent.discover('did:key:z6MkPayments...');
if (disco.ok) {
  console.log(disco.value.capabilities);
  // Output: ['createCharge', 'refundCharge', 'getBalance']
  // Check if service supports specific capability
  const canRefund = disco.value.capabilities.includes('refundCharge');
}`;

const OUTPUT = ['createCharge', 'refundCharge', 'getBalance'];

const AsyncFunction = (async () => {}).constructor as FunctionConstructor;

/** Runs the snippet up to its end, or its two halves one after the other, the second one as another agent. */
async function run(code: string, names: Record<string, unknown>): Promise<unknown> {
  return new AsyncFunction(...Object.keys(names), code)(...Object.values(names));
}

test('the snippet runs as it stands', async () => {
  const identity = await identityOf('payments');
  const printed: unknown[] = [];
  const console = { log: (value: unknown) => printed.push(value) };
  const code = SNIPPET.replace('did:key:z6MkPayments...', identity.did).replace(/\}$/, 'return canRefund; }');
  expect(await run(code, { Agent: root.Agent, identity, console })).toBe(true);
  expect(printed).toEqual([OUTPUT]);
});

test('and with another agent in its second half', async () => {
  const world = new World();
  const identity = await identityOf('payments');
  await world.agent('payments'); // its entry in the registry
  class Agent extends root.Agent {
    constructor(options: ConstructorParameters<typeof root.Agent>[0]) {
      const { registry, transport, clock } = world;
      super({ registry, transport, clock, ...options });
    }
  }
  const [first, second] = SNIPPET.split('// Other agents discover capabilities\n') as [string, string];
  await run(first, { Agent, identity });
  const printed: unknown[] = [];
  const agent = await world.agent('another');
  const names = { agent, console: { log: (value: unknown) => printed.push(value) } };
  await run(second.replace('did:key:z6MkPayments...', identity.did), names);
  expect(printed).toEqual([OUTPUT]);
  const { tools } = unwrap(await agent.discover(identity.did));
  expect(tools.map(({ scopes }) => scopes)).toEqual([['payments'], ['payments'], ['payments:read']]);
});

const papers = join(
  fileURLToPath(new URL('../..', import.meta.url)),
  process.env['PAPERS'] ?? '../shared/seeds',
);
const hasPapers = verdictOn(existsSync(papers) ? [] : ['the white papers']) !== 'skip';

(hasPapers ? test : test.skip)('it is the one in the white papers', () => {
  const plain = (text: string) => text.replace(/\s+/g, '');
  const texts = readdirSync(papers).map((file) => plain(readFileSync(join(papers, file), 'utf8')));
  expect(texts.some((text) => text.includes(plain(SNIPPET)))).toBe(true);
});
