import { describe, expect, test } from '@jest/globals';
import { type DiscoveredAgent, mcpToolList, openApiDocument } from '@private.me/xlink';

const DID = 'did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd';
const INPUT = {
  type: 'object',
  properties: {
    amount: { $ref: '#/$defs/amount' },
    default: { $ref: '#/$defs/amount' },
    parts: { type: 'array', items: { anyOf: [{ $ref: '#' }, { $ref: '#named' }] } },
  },
  default: { $ref: '#/$defs/amount' },
  $defs: { amount: { type: 'integer' }, other: { $anchor: 'named' } },
};
const OUTPUT = { type: 'object', properties: { id: { type: 'string' } } };

const said: DiscoveredAgent = {
  did: DID,
  name: 'payments',
  capabilities: ['createCharge', 'search'],
  tools: [
    {
      name: 'createCharge',
      title: 'Charge',
      description: 'Charges a card.',
      scopes: ['payments', 'orders'],
      inputSchema: INPUT,
      outputSchema: OUTPUT,
    },
    { name: 'search', scopes: [] },
  ],
  issuedAt: 0,
  notAfter: 300_000,
};

test('a list of tools for MCP has names, schemas and, beside them, whose they are', () => {
  const meta = { 'me.private.xlink/did': DID };
  expect(mcpToolList(said)).toEqual({
    tools: [
      {
        name: 'createCharge',
        title: 'Charge',
        description: 'Charges a card.',
        inputSchema: INPUT,
        outputSchema: OUTPUT,
        _meta: { ...meta, 'me.private.xlink/scopes': ['payments', 'orders'] },
      },
      { name: 'search', inputSchema: { type: 'object' }, _meta: { ...meta, 'me.private.xlink/scopes': [] } },
    ],
  });
});

describe('an OpenAPI document', () => {
  const document = openApiDocument(said);
  const schemas = document.components['schemas'] as Record<string, unknown>;

  test('has one operation for each tool, with the scopes that may ask for it', () => {
    expect(document).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'payments', version: '1970-01-01T00:00:00.000Z', 'x-xlink-did': DID },
    });
    expect(Object.keys(document.paths)).toEqual(['/createCharge', '/search']);
    expect(document.paths['/createCharge']!.post).toEqual({
      operationId: 'createCharge',
      summary: 'Charge',
      description: 'Charges a card.',
      'x-xlink-scope': ['payments', 'orders'],
      security: [{ xlink: ['payments'] }, { xlink: ['orders'] }],
      requestBody: {
        required: true,
        content: { 'application/json': { schema: { $ref: '#/components/schemas/createCharge.input' } } },
      },
      responses: {
        default: {
          description: 'The answer of the agent.',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/createCharge.output' } } },
        },
      },
    });
    expect(document.paths['/search']!.post).toEqual({
      operationId: 'search',
      'x-xlink-scope': [],
      security: [{ xlink: [] }],
      responses: { default: { description: 'The answer of the agent.' } },
    });
  });

  test('keeps references of schemas good at their new place, and data as it is', () => {
    const at = '#/components/schemas/createCharge.input';
    expect(schemas).toEqual({
      'createCharge.input': {
        ...INPUT,
        properties: {
          amount: { $ref: `${at}/$defs/amount` },
          default: { $ref: `${at}/$defs/amount` },
          parts: { type: 'array', items: { anyOf: [{ $ref: at }, { $ref: '#named' }] } },
        },
      },
      'createCharge.output': OUTPUT,
    });
    expect(INPUT.properties.amount.$ref).toBe('#/$defs/amount');
  });

  test('names the server and the version that it is given, and no server by itself', () => {
    expect(document).not.toHaveProperty('servers');
    const more = openApiDocument(said, { version: '2', serverUrl: 'https://a.example/tools' });
    expect(more).toMatchObject({ info: { version: '2' }, servers: [{ url: 'https://a.example/tools' }] });
  });

  test('is of plain members, whatever a tool is called', () => {
    const { paths } = openApiDocument({
      ...said,
      tools: [{ name: '__proto__', scopes: [], inputSchema: OUTPUT }],
    });
    expect(Object.keys(paths)).toEqual(['/__proto__']);
    expect(JSON.parse(JSON.stringify(paths))).toEqual(paths);
  });
});
