import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { isXlinkError, type XlinkError } from '@private.me/xlink';
import { TAKERS } from './takers.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a call throws, rejects with or returns as an error. */
async function errorOf(call: () => unknown): Promise<XlinkError> {
  let outcome: unknown;
  try {
    outcome = await call();
  } catch (thrown) {
    if (isXlinkError(thrown)) return thrown;
    throw thrown;
  }
  const { error } = Object(outcome) as { error?: unknown };
  if (!isXlinkError(error)) throw new Error('it was accepted');
  return error;
}

const cases = TAKERS.map(({ name, type = 'an object of its own', option, call }) => ({
  name,
  type,
  option,
  call,
}));

test.each(cases)('[E6] $name refuses a misspelt $option of $type', async ({ option, call }) => {
  const typo = `${option}x`;
  const { id, field, message } = await errorOf(() => call({ [typo]: undefined }));
  expect([id, field]).toEqual(['INVALID_OPTION', typo]);
  expect(message).toMatch(/^[\w.]+: /);
  expect(message.endsWith(`there is no option ${typo}; did you mean ${option}?`)).toBe(true);
});

test('[E6] the report option that was once ignored is refused', async () => {
  const { call } = TAKERS.find(({ name }) => name === 'DualModeAdapter.report')!;
  const { message } = await errorOf(() => call({ quitMs: 60_000 }));
  expect(message).toBe('report: there is no option quitMs; did you mean quietMs?');
});

describe('the list of those who take options', () => {
  const named = new Set(TAKERS.map(({ name }) => name.split('.')[0]!));
  const types = new Set(TAKERS.map(({ type }) => type));

  /** Published functions and classes that take no object of options. */
  const OTHERS = [
    'TableError',
    'AccessStore',
    'StoreLost',
    'blockOf',
    'forwardedAddress',
    'peerAddress',
    'createApiApp',
    'AuditTrail',
    'factsOf',
    'docsPage',
    'ApiError',
    'apiError',
    'apiServer',
    'listenAt',
    'jsonLogger',
    'openApiDocument',
    'apiProblem',
    'retryAfter',
    'readAtMost',
    'roleAllows',
    'rolePermissions',
    'routeKit',
    'RouteFinder',
    'tableRow',
    'hasMethods',
    'integerIn',
    'isBoolean',
    'isFunction',
    'isText',
    'nearestOf',
    'optionKit',
    'isPrivateHost',
    'makeFolder',
    'bytesOfFile',
    'createPrivateFile',
    'isSharedFile',
    'removeDrafts',
    'replacePrivateFile',
    'verifyCheckpoint',
    'transferClients',
    'transferMode',
    'transferOperations',
    'transferRegistry',
    'MemoryLimitStore',
    'MemoryModeStore',
    'MemoryOperationsStore',
    'SignedCaller', // made by signedRequest()
    'frozenClock',
    'openFileState',
    'operatorHint',
    'readInvite',
    'printable',
    'requestMatcher',
    'outreachCsv',
    'BaseAgent', // listed as Agent, which extends it
    'CallFailure', // an error
    'Documents', // a store and a kind
    'EntryRegistry', // abstract; its methods are those of MemoryTrustRegistry
    'FileStoreError', // an error
    'LoopbackTransport',
    'MemoryClientStore',
    'MemoryKeyStore',
    'addressBlock',
    'assertKeyRecord',
    'assertSuccession',
    'assertSuccessor',
    'authOf',
    'createDidWebDocument',
    'createRegistryAuthMiddleware',
    'decodeDidKey',
    'describeSecurityMode',
    'describeSecurityModeStructured',
    'describeWarning',
    'encodeDidKey',
    'enrollmentProof',
    'err',
    'fastifyWellKnown',
    'fileIdentity',
    'formatErrorStructured',
    'formatReport',
    'honoWellKnown',
    'identityFromFile',
    'isXlinkError',
    'mcpToolList',
    'mergeActivity',
    'mlDsa65SeedOf',
    'nonceKey',
    'ok',
    'parseEntry',
    'parseModeState',
    'policyFile',
    'policyInStore',
    'problemBody',
    'refusalOf',
    'requestBinding',
    'requireScope',
    'requireThat',
    'requireXlink',
    'toXlinkError',
    'xlinkAuthorization',
    'xlinkError', // a throw while an error is made would hide the error
  ];

  const { paths } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')).compilerOptions as {
    paths: Record<string, string[]>;
  };
  const fronts = Object.entries(paths)
    .filter(([name]) => name.startsWith('@private.me/xlink'))
    .map(([name, [file]]) => ({ name, file: file! }));

  test.each(fronts)('names every function of $name', async ({ name }) => {
    const exported = Object.entries((await import(name)) as Record<string, unknown>);
    const functions = exported.filter(([, value]) => typeof value === 'function').map(([key]) => key);
    const unlisted = functions.filter(
      (key) => !named.has(key) && !OTHERS.includes(key) && !/^Xlink\w*Error$/.test(key),
    );
    expect(unlisted).toEqual([]);
  });

  test('names every published type of options', () => {
    const typeFiles = readdirSync(join(root, 'src/types')).map((file) => `src/types/${file}`);
    const text = ['src/index.ts', ...fronts.map(({ file }) => file), ...typeFiles]
      .map((file) => readFileSync(join(root, file), 'utf8'))
      .join('\n');
    const published = new Set(text.match(/\b[A-Z]\w*(?:Options|Config|Limits|Sources|Budget)\b/g));
    expect(published.size).toBeGreaterThan(50);
    expect([...published].filter((type) => !types.has(type))).toEqual([]);
  });

  test('names nothing that is gone', async () => {
    const modules = await Promise.all(fronts.map(({ name }) => import(name) as Promise<object>));
    const exported = new Set(modules.flatMap((module) => Object.keys(module)));
    expect([...named, ...OTHERS].filter((name) => !exported.has(name))).toEqual([]);
  });
});
