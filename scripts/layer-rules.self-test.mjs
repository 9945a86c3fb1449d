// Proves that every rule of the layer plan catches a violation, and that sound code passes.
import { deepStrictEqual } from 'node:assert';
import { findViolations } from './layer-rules.mjs';
import { findWingViolations } from './wing-rules.mjs';

const manifest = {
  dependencies: { '@noble/hashes': '*' },
  peerDependencies: { express: '*', koa: '*', 'prom-client': '*' },
  imports: {
    '#provider': {
      types: './dist/esm/crypto/native/index.d.ts',
      default: './dist/esm/crypto/portable/index.js',
    },
  },
};

const sound = {
  'index.ts': "export * from './agent/agent.js';\nexport * from './errors/errors.js';",
  'errors/errors.ts': "import type { T } from '../types/protocol.js';",
  'types/protocol.ts': '// import x from "express"\nexport interface T { note: "import(\'express\')" }',
  'util/bytes.ts': "import { sha256 } from '@noble/hashes/sha2.js';",
  'crypto/native/index.ts': "import 'node:crypto';",
  'crypto/portable/index.ts': '',
  'crypto/suite.ts': "import '#provider';\nimport './kdf.js';",
  'crypto/kdf.ts': "import '../util/bytes.js';",
  'agent/agent.ts': "import '../crypto/suite.js';",
  'metrics/index.ts': "import { Registry } from 'prom-client';",
  'adapters/dual.ts': "import '../agent/agent.js';",
  'middleware/express.ts': "import type { Request } from 'express';\nimport '../adapters/dual.js';",
};

// [what is changed, the violations it must cause as "file:line rule"]
const cases = [
  [{}, []],
  [{ 'errors/errors.ts': "\nimport '../crypto/kdf.js';" }, ['errors/errors.ts:2 upward']],
  [{ 'errors/errors.ts': "import type { S } from '../crypto/kdf.js';" }, ['errors/errors.ts:1 upward']],
  [{ 'errors/errors.ts': "export { s } from '../crypto/kdf.js';" }, ['errors/errors.ts:1 upward']],
  [{ 'errors/errors.ts': "export * from '../crypto/kdf.js';" }, ['errors/errors.ts:1 upward']],
  [{ 'errors/errors.ts': "// é\ntype S = import('../crypto/kdf.js').S;" }, ['errors/errors.ts:2 upward']],
  [{ 'errors/errors.ts': "await import('../crypto/kdf.js');" }, ['errors/errors.ts:1 upward']],
  [{ 'agent/b.ts': "import '../index.js';" }, ['agent/b.ts:1 upward']],
  [{ 'metrics/b.ts': "import '../adapters/dual.js';" }, []],
  [{ 'adapters/b.ts': "import '../metrics/index.js';" }, ['adapters/b.ts:1 upward']],
  [{ 'metrics/b.ts': "import '../logging/a.js';", 'logging/a.ts': '' }, ['metrics/b.ts:1 sibling']],
  [{ 'adapters/migration/a.ts': "import '../dual.js';" }, []],
  [{ 'adapters/clients/a.ts': "import '../dual.js';" }, ['adapters/clients/a.ts:1 upward']],
  [{ 'adapters/attic/a.ts': "import '../dual.js';" }, ['adapters/attic/a.ts:1 unplanned']],
  [{ 'nonce/a.ts': "import '../registry/a.js';", 'registry/a.ts': '' }, ['nonce/a.ts:1 sibling']],
  [{ 'crypto/kdf.ts': "import './suite.js';" }, ['crypto/kdf.ts:1 cycle']],
  [{ 'crypto/kdf.ts': "import type { S } from './suite.js';" }, ['crypto/kdf.ts:1 cycle']],
  [{ 'types/protocol.ts': "import './protocol.js';" }, ['types/protocol.ts:1 cycle']],
  [{ 'agent/b.ts': "import 'express';" }, ['agent/b.ts:1 optional-package']],
  [{ 'nonce/b.ts': "import type { R } from 'prom-client';" }, ['nonce/b.ts:1 optional-package']],
  [{ 'stores/file/b.ts': "import 'ioredis';" }, ['stores/file/b.ts:1 undeclared']],
  [{ 'util/b.ts': "import '@noble/curves/ed25519.js';" }, ['util/b.ts:1 undeclared']],
  [{ 'util/b.ts': "import '@private.me/xlink';" }, ['util/b.ts:1 undeclared']],
  [{ 'util/b.ts': "import 'node:fs';" }, ['util/b.ts:1 node']],
  [{ 'util/b.ts': "import 'crypto';" }, ['util/b.ts:1 node']],
  [{ 'crypto/portable/index.ts': "import 'node:fs';" }, ['crypto/portable/index.ts:1 node']],
  [{ 'crypto/native/b.ts': "import 'node:fs';", 'stores/file/b.ts': "import 'node:fs';" }, []],
  [{ 'crypto/portable/index.ts': "import '../suite.js';" }, ['crypto/portable/index.ts:1 cycle']],
  [{ 'dashboard/page/a.ts': "import 'uplot';" }, []],
  [{ 'dashboard/a.ts': "import 'uplot';" }, ['dashboard/a.ts:1 undeclared']],
  [{ 'testing.ts': "import './testing/a.js';", 'testing/a.ts': "import 'node:http';" }, []],
  [{ 'index.ts': "import './testing/a.js';", 'testing/a.ts': '' }, ['index.ts:1 of-one-front']],
  [{ 'attic/a.ts': '' }, ['attic/a.ts:1 unplanned']],
  [{ 'stray.ts': '' }, ['stray.ts:1 unplanned']],
  [{ 'util/b.ts': "import './gone.js';" }, ['util/b.ts:1 unresolved']],
  [{ 'util/b.ts': "import '../../package.json';" }, ['util/b.ts:1 unresolved']],
  [{ 'util/b.ts': "import '#nowhere';" }, ['util/b.ts:1 unresolved']],
];

const wing = { peerDependencies: { '@private.me/xlink': '*' } };

// [file of a wing, its text, the rules it must break]
const wingCases = [
  ['src/a.ts', "import 'node:fs';\nimport './b.js';\nimport '@private.me/xlink/server';", []],
  ['src/deep/a.ts', "export * from '../b.js';", []],
  ['test/a.test.ts', "import 'jest';\nimport '../src/a.js';", []],
  ['src/a.ts', "import '../../../src/index.js';", ['outside']],
  ['src/a.ts', "import type { T } from '../test/t.js';", ['outside']],
  ['test/a.test.ts', "import '../../../test/support/until.js';", []],
  ['test/deep/a.test.ts', "import '../../../../test/support/until.js';", []],
  ['test/a.test.ts', "import '../../../test/support/world.js';", ['outside']],
  ['src/a.ts', "import '../../../test/support/until.js';", ['outside']],
  ['src/a.ts', "import 'jest';", ['undeclared']],
  ['src/a.ts', "await import('@private.me/xid');", ['undeclared']],
];

export function selfTest() {
  for (const [change, expected] of cases) {
    const found = findViolations({ ...sound, ...change }, manifest);
    const short = found.map(({ file, line, rule }) => `${file}:${line} ${rule}`);
    deepStrictEqual(short.toSorted(), expected.toSorted(), `layer plan self-test, ${JSON.stringify(change)}`);
  }
  for (const [file, text, expected] of wingCases) {
    const found = findWingViolations({ [file]: text }, wing, ['jest']);
    deepStrictEqual(
      found.map(({ rule }) => rule),
      expected,
      `wing self-test, ${file}: ${text}`,
    );
  }
  return cases.length + wingCases.length;
}
