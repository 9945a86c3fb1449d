// Over TLS a response is written by other parts of Node: the same rows once more, in the newest of each framework.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWith, findProgram } from '../support/needs-program.js';
import { describeRows } from './describe-rows.js';
import { FAULTS } from './rows/faults.js';
import { HEADS } from './rows/heads.js';
import { REQUESTS } from './rows/requests.js';
import { WRITING } from './rows/writing.js';
import type { Certificate } from './stage.js';

function certificate(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'xlink-test-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const request =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1';
  try {
    execFileSync('openssl', [...request.split(' '), '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const ROWS = [...HEADS, ...WRITING, ...REQUESTS, ...FAULTS];
const frameworks = (name: string) => name === 'Express 5' || name === 'Koa 3';

describeWith(['openssl'], 'Over TLS', () =>
  describeRows(ROWS, { frameworks, ...(findProgram('openssl') ? { tls: certificate() } : {}) }),
);
