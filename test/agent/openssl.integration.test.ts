import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { seedOf } from '../support/agents.js';
import { findProgram, verdictOn } from '../support/needs-program.js';
import { World } from '../support/world.js';

describe('persistence', () => {
  const verdict = verdictOn(findProgram('openssl') ? [] : ['openssl']);
  (verdict === 'skip' ? test.skip : test)('openssl reads the exported file as an Ed25519 key', async () => {
    const agent = await new World().agent('alice');
    const folder = mkdtempSync(join(tmpdir(), 'xlink-'));
    try {
      const file = join(folder, 'key.der');
      writeFileSync(file, await agent.exportPKCS8());
      const read = spawnSync('openssl', ['pkey', '-inform', 'DER', '-in', file, '-noout', '-text']);
      expect(read.stdout.toString()).toContain('ED25519 Private-Key');
      const hex = (read.stdout.toString().match(/priv:([\s0-9a-f:]+)pub:/)?.[1] ?? '').replace(/[\s:]/g, '');
      expect(hex).toBe(Buffer.from(seedOf('alice')).toString('hex'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
