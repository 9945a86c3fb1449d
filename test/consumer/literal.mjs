// README.md and docs/migration.md, done as they are written, by somebody who knows nothing else: from an empty folder to the
// first sealed request, and from the first key to the last and back, with a restart at every step.
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { root } from '../../scripts/wings.mjs';
import { expectNone, workshop } from './kit.mjs';
import { stepsOf } from './literal/page.mjs';
import { Reader } from './literal/reader.mjs';

/** What README.md may ask for, until the first sealed request. */
const LIMITS = { commands: 6, lines: 12, ms: 30_000 };

export default async function literal({ root: tarball }) {
  await attemptAsync('README.md, from an empty folder to the first sealed request', () => readme(tarball));
  await attemptAsync('docs/migration.md, to the last key and back, and docs/on-call.md', () =>
    migration(tarball),
  );
  await attemptAsync('docs/approve.md: each command shows its claim', () => page('approve', tarball));
  await attemptAsync('docs/call-an-api.md: a WebSocket', async () => {
    const printed = await page('call-an-api', tarball);
    equal(printed.at(-1), 'hello acme, by xlink\n');
  });
}

async function readme(tarball) {
  const reader = await newReader('readme', tarball);
  try {
    const steps = stepsOf(join(root, 'README.md'));
    const beforeClone = (step) =>
      step.kind !== 'commands' || !step.lines.some((line) => line.startsWith('npm ci'));
    const end = steps.findIndex(
      ({ kind, lines }) => kind === 'commands' && lines.includes('node client.mjs'),
    );
    let printed = [];
    for (const step of steps
      .slice(0, end + 1)
      .filter(({ kind }) => kind !== 'heading')
      .filter(beforeClone))
      printed = await reader.do(step);
    equal(printed.at(-1), 'true {"by":"xlink","received":{"item":7}}\n');
    console.log(asked(reader));
    for (const [name, limit] of Object.entries(LIMITS))
      ok(reader.asked[name] <= limit, `more than ${limit} ${name}`);
    await reader.restart();
    match(await reader.run('node client.mjs'), /^true /);
  } finally {
    await reader.stop();
  }
}

/** All of a page; what the last commands printed. */
async function page(name, tarball) {
  const reader = await newReader(name, tarball);
  try {
    let printed = [];
    for (const step of stepsOf(join(root, `docs/${name}.md`)))
      if (step.kind !== 'heading') printed = await reader.do(step);
    return printed;
  } finally {
    await reader.stop();
  }
}

async function migration(tarball) {
  const python = ['python3', '/usr/bin/python3'].find(
    (name) => spawnSync(name, ['-c', 'import cryptography, requests']).status === 0,
  );
  if (!python) console.log('   SKIPPED the caller in Python: needs python3 with cryptography and requests');
  const reader = await newReader('migration', tarball, python);
  const status = (key) =>
    reader.run(
      `curl -s -o body -D head -w '%{http_code} ' -H 'X-API-Key: ${key}' http://localhost:3000/orders; cat body head`,
    );
  const moved = ['node caller.mjs', 'node axios-caller.mjs', ...(python ? ['python3 caller.py'] : [])];
  const everybodyMoved = async () => {
    const [byFetch, byAxios, byPython] = await Promise.all(moved.map((caller) => reader.run(caller)));
    match(byFetch, /^200 true \{"customer":"acme","item":7\}/);
    match(byAxios, /^200 true \{"customer":"globex","item":8\}/);
    if (python) match(byPython, /^200 \{"customer":"acme","item":9\}/);
  };
  const keysWork = async () => {
    for (const name of ['acme', 'globex'])
      match(await status(`key-of-${name}`), new RegExp(`^200 \\{"customer":"${name}"\\}`));
  };
  const mode = async () =>
    JSON.parse(await reader.run('curl -s http://localhost:3000/.well-known/xlink.json')).mode;

  /** What is so when the reader is through with a part of the page, before and after a restart. */
  const parts = {
    '0.': keysWork,
    '1.': async () => {
      await keysWork();
      equal(statSync(join(reader.home, 'state/api-identity.der')).mode & 0o777, 0o600);
      equal(await mode(), 'observe');
    },
    '2.': async () => {
      await keysWork();
      equal(await mode(), 'hybrid');
    },
    '3.': async (restarted) => {
      await keysWork();
      if (restarted) await everybodyMoved();
    },
    '5.': async (restarted) => {
      const answer = await status('key-of-acme');
      if (!restarted) return match(answer, /^401 .*API_KEY_BROWNOUT/); // the brownout goes with the process
      match(answer, /^200 /);
      for (const header of [/^deprecation: @\d+/im, /^sunset: .* 2031/im, /^x-migration-url: /im])
        match(answer, header);
      await everybodyMoved();
    },
    '6.': async (restarted) => {
      await keysWork(); // it was taken back at the end
      if (restarted) await everybodyMoved();
    },
  };

  let part = '';
  const printed = [];
  const finish = async () => {
    const check = parts[part];
    if (!check) return;
    await check(false);
    await reader.restart();
    await check(true);
  };
  try {
    for (const step of stepsOf(join(root, 'docs/migration.md'))) {
      if (step.kind === 'heading') {
        await finish();
        part = step.title.split(' ')[0];
        continue;
      }
      if (step.kind === 'commands' && !python && step.lines.some((line) => /python3|xlink\.py/.test(line)))
        continue;
      const output = await reader.do(step);
      if (step.kind === 'change' && step.name === 'api.mjs') await reader.restart(); // as the page says
      if (step.kind === 'commands')
        printed.push(...step.lines.map((line, index) => [line, output[index] ?? '']));
      if (step.kind === 'commands' && step.lines.some((line) => line.includes('mode/xlink-only'))) {
        match(await status('key-of-acme'), /^401 .*XLINK_REQUIRED/);
        await reader.restart();
        match(await status('key-of-acme'), /^401 .*XLINK_REQUIRED/);
        await everybodyMoved();
      }
    }
    await finish();
    console.log(asked(reader));
    const asOnCall = stepsOf(join(root, 'docs/on-call.md')).filter(({ kind }) => kind === 'commands');
    for (const step of asOnCall) await reader.do(step);
    const seen = (line) => printed.find(([typed]) => typed.includes(line))[1];
    match(seen('3001/report'), /acme/);
    deepEqual(JSON.parse(seen('mode/deprecation')), { mode: 'deprecation' });
  } finally {
    await reader.stop();
  }
}

const asked = ({ asked: { commands, lines, ms, byTheClock } }) =>
  `   asked of the reader: ${commands} commands, ${lines} lines, ${seconds(ms)} s of machine time (${seconds(byTheClock)} s by the clock)`;
const seconds = (ms) => (ms / 1000).toFixed(1);

/** A reader in an empty folder, whose machine has the tarball, free ports and a Python of its own. */
async function newReader(name, tarball, python = 'python3') {
  const home = join(workshop, name);
  mkdirSync(home);
  const [port, operator] = [await freePort(), await freePort()];
  const rename = (text) =>
    text
      .replaceAll('3000', String(port))
      .replaceAll('3001', String(operator))
      .replace(/(?<=^npm install .*)@private\.me\/xlink/, tarball)
      .replace(/^(\w+=\S+ )?python3 /, (_, env = '') => `${env}${python} `);
  const reader = new Reader(home, rename);
  return Object.assign(reader, { home });
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function attemptAsync(title, work) {
  const started = performance.now();
  try {
    await work();
    expectNone(`${title} (${((performance.now() - started) / 1000).toFixed(1)} s)`, []);
  } catch (error) {
    expectNone(title, [error.stack]);
  }
}
