import { describe, expect, test } from '@jest/globals';
import { Agent, type Capability, mcpToolList, openApiDocument, type ToolOptions } from '@private.me/xlink';
import { identityOf } from '../support/agents.js';
import { errorOf, thrownBy, unwrap } from '../support/results.js';

const SCHEMA = { type: 'object', properties: { amount: { type: 'integer' } } };

async function saidOf(options: { capabilities?: readonly Capability[]; tools?: readonly ToolOptions[] }) {
  const agent = new Agent({ identity: await identityOf('own'), ...options });
  return unwrap(await agent.discover(agent.did));
}

describe('what an agent offers', () => {
  test('is nothing by default', async () => {
    expect(await saidOf({})).toMatchObject({ capabilities: [], tools: [] });
  });

  test('is one list: capabilities first, for a mere name the tool that has it', async () => {
    const said = await saidOf({
      capabilities: ['refund', { name: 'balance', scopes: ['payments:read'] }, 'search'],
      tools: [
        { name: 'charge', scopes: ['payments'], title: 'Charge', description: 'a\nb', inputSchema: SCHEMA },
        { name: 'refund', scopes: ['payments', 'refunds', 'payments'] },
      ],
    });
    expect(said.capabilities).toEqual(['refund', 'balance', 'search', 'charge']);
    expect(said.tools).toEqual([
      { name: 'refund', scopes: ['payments', 'refunds'] },
      { name: 'balance', scopes: ['payments:read'] },
      { name: 'search', scopes: [] },
      { name: 'charge', scopes: ['payments'], title: 'Charge', description: 'a\nb', inputSchema: SCHEMA },
    ]);
  });

  test('is a copy, frozen all the way down', async () => {
    const inputSchema = structuredClone(SCHEMA);
    const agent = new Agent({ identity: await identityOf('own'), tools: [{ name: 'a', inputSchema }] });
    inputSchema.properties.amount.type = 'string';
    const { tools } = unwrap(await agent.discover(agent.did));
    expect(tools[0]!.inputSchema).toEqual(SCHEMA);
    const { properties } = tools[0]!.inputSchema as typeof SCHEMA;
    expect([tools, tools[0], tools[0]!.scopes, properties.amount].every(Object.isFrozen)).toBe(true);
  });

  test('is registered by name, unless the agent is not discoverable', async () => {
    const options = { capabilities: ['a', { name: 'b' }], tools: [{ name: 'a' }, { name: 'c' }] };
    const entryOf = async (more: object) => {
      const agent = unwrap(await Agent.create({ ...options, ...more }));
      return agent.registry.lookup(agent.did);
    };
    expect(await entryOf({})).toMatchObject({ capabilities: ['a', 'b', 'c'] });
    expect(await entryOf({ discoverable: false })).not.toHaveProperty('capabilities');
  });
});

describe('an agent is not made', () => {
  const deep = (levels: number): object => (levels === 0 ? {} : { type: 'object', not: deep(levels - 1) });
  const cycle: Record<string, unknown> = { type: 'object' };
  cycle['self'] = cycle;
  const tool = (more: object) => ({ tools: [{ name: 'a', ...more }] as never });

  test.each<[string, object, string]>([
    ['a name with a space', { capabilities: ['a b'] }, 'capabilities[0]: name must be'],
    [
      'a name with a control character',
      { capabilities: ['ok', 'a\u0000b'] },
      'capabilities[1]: name must be',
    ],
    ['a name that is a path', { capabilities: ['..'] }, 'capabilities[0]: name must be'],
    ['a name of 129 characters', { capabilities: ['a'.repeat(129)] }, 'capabilities[0]: name must be'],
    ['an empty name', tool({ name: '' }), 'tools[0]: name must be'],
    ['a name twice', { capabilities: ['a', 'a'] }, 'each name is there once'],
    ['a tool twice', { tools: [{ name: 'a' }, { name: 'a' }] }, 'each name is there once'],
    [
      'two kinds of scopes',
      { capabilities: [{ name: 'a' }], tools: [{ name: 'a' }] },
      'each name is there once',
    ],
    ['the scope *', tool({ scopes: ['*'] }), 'tools[0]: scopes must be'],
    ['a scope of the library', tool({ scopes: ['xlink:enroll'] }), 'tools[0]: scopes must be'],
    ['a scope that is a string', tool({ scopes: 'payments' }), 'tools[0]: scopes must be'],
    [
      'a hidden character in its description',
      tool({ description: 'a\u202eb' }),
      'tools[0]: description must be',
    ],
    ['a tag character in its title', tool({ title: 'a\u{e0041}' }), 'tools[0]: title must be'],
    ['half a character in its title', tool({ title: '\ud800' }), 'tools[0]: title must be'],
    ['a schema of a string', tool({ inputSchema: { type: 'string' } }), 'tools[0]: inputSchema must be'],
    ['a schema 900 levels deep', tool({ outputSchema: deep(900) }), 'nested at most 32 deep'],
    [
      'a schema 100 000 levels deep',
      tool({ inputSchema: { type: 'object', a: nested(100_000) } }),
      'must be JSON',
    ],
    ['a schema with a cycle', tool({ inputSchema: cycle }), 'tools[0]: must be JSON'],
    ['a BigInt in a schema', tool({ inputSchema: { type: 'object', const: 1n } }), 'tools[0]: must be JSON'],
    [
      'a reference elsewhere',
      tool({ inputSchema: { type: 'object', $ref: 'https://a.example/x' } }),
      'outside of itself',
    ],
    ['1001 tools', { capabilities: Array.from({ length: 1001 }, (_, n) => `t${n}`) }, 'at most 1000'],
    ['too much text', { tools: texts(200) }, 'bytes of JSON'],
    ['a tool for callers', tool({ nmae: 'b' }), 'did you mean name?'],
    [
      'a draft-4 id that is a URL',
      tool({ inputSchema: { type: 'object', properties: { a: { id: 'http://a.example/x' } } } }),
      'outside of itself',
    ],
  ])('with %s', async (_, options, text) => {
    const error = errorOf(await Agent.create(options));
    expect(error.id).toBe('INVALID_OPTION');
    expect(error.message).toMatch(/^Agent\.create: /);
    expect(error.message).toContain(text);
  });

  test.each([
    '\u0000',
    '\u001b[31m',
    '\u00ad',
    '\u034f',
    '\u115f',
    '\u200b',
    '\u2028',
    '\u2029',
    '\u202e',
    '\u2800',
    '\u3164',
    '\ufe00',
    '\uffa0',
    '\u{e0041}',
    '\u{e0100}',
  ])('with %j in a title, a description or anywhere in a schema', async (hidden) => {
    const text = `a${hidden}b`;
    for (const options of [
      { title: text },
      { description: text },
      { inputSchema: { type: 'object', description: text } },
      { inputSchema: { type: 'object', properties: { [text]: {} } } },
      { outputSchema: { type: 'object', properties: { a: { enum: ['ok', text] } } } },
    ]) {
      expect(errorOf(await Agent.create(tool(options))).id).toBe('INVALID_OPTION');
      const said = {
        did: 'did:key:z6Mk' as never,
        issuedAt: 0,
        tools: [{ name: 'a', scopes: [], ...options }],
      };
      for (const write of [mcpToolList, openApiDocument])
        expect((await thrownBy(() => write(said))).id).toBe('INVALID_OPTION');
    }
  });

  test('with emoji, joiners, lines of a description and data that has an id it is', async () => {
    const described = { title: 'Café ☕️ 👩‍💻', description: 'one\n\ttwo' };
    const inputSchema = {
      type: 'object',
      description: 'ی‌ک\nline',
      properties: { id: { type: 'string' } },
      examples: [{ id: 'urn:x:1' }],
    };
    expect(await Agent.create(tool({ ...described, inputSchema }))).toMatchObject({ ok: true });
  });

  test('with a schema of 32 levels it is', async () => {
    expect(await Agent.create({ tools: [{ name: 'a', inputSchema: deep(30) as never }] })).toMatchObject({
      ok: true,
    });
  });
});

function nested(levels: number): unknown {
  let value: unknown = 0;
  for (let n = 0; n < levels; n++) value = [value];
  return value;
}

function texts(count: number) {
  return Array.from({ length: count }, (_, n) => ({ name: `t${n}`, description: 'é'.repeat(4000) }));
}
