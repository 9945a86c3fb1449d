import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { BuiltPackage } from '../support/built-package.js';
import { DemoProcess } from './demo-process.js';

const run = promisify(execFile);

jest.setTimeout(120_000);

let copy: BuiltPackage;
beforeAll(() => {
  copy = new BuiltPackage();
});
afterAll(() => copy.remove());

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

async function allGone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await pause(50);
}

test('DEMO=once: everybody moves, the keys are turned off, and it ends well', async () => {
  const demo = new DemoProcess(copy, { DEMO: 'once', DEMO_SPEED: '20' });
  expect([await demo.exitCode(), demo.output]).toEqual([0, expect.any(String)]);
  expect(demo.output).toContain('adoption 100 %  moved 12/12');
  for (const scene of [
    '! partner-contoso is stuck on its key (has not enrolled an identity)',
    'Rolled back: xlink-only refused partner-contoso, one call later its key works again',
    'storefront-web switched its own key off',
    'gets 401 XLINK_REQUIRED now, and xLink 200 as before',
  ])
    expect(demo.output).toContain(scene);
  expect(demo.output).not.toContain('\x1b');
  expect(readdirSync(copy.temp)).toEqual([]);
});

test('sign.mjs makes requests for the demo that is running', async () => {
  // Not execFileSync: fetch would not notice that the server closes a connection in the meantime.
  const sign = async (...args: string[]) =>
    (await run(process.execPath, [join(copy.example, 'sign.mjs'), ...args])).stdout.trim();
  await expect(sign('GET', '/orders')).rejects.toThrow('No demo is running');
  const demo = new DemoProcess(copy, {});
  await demo.says(/served [1-9]/);
  const url = /http:\S+:\d+/.exec(demo.output)![0];

  const signed = { headers: { Authorization: `Xlink ${await sign('GET', '/orders')}` } };
  const answer = await fetch(`${url}/orders`, signed);
  expect(await answer.json()).toMatchObject({ orders: [{ product: 'espresso-1kg' }] });
  expect((await fetch(`${url}/orders`, signed)).status).toBe(409);

  const json = '{"product":"decaf-500g","quantity":1}';
  const sealed = await fetch(`${url}/orders`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/xlink-envelope' },
    body: await sign('--seal', 'POST', '/orders', json),
  });
  expect(sealed.status).toBe(201);
  const beside = await fetch(`${url}/orders`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Xlink ${await sign('POST', '/orders', json)}`,
    },
    body: json,
  });
  expect(beside.status).toBe(201);
  expect(await sign('GET', '/orders', '--print-curl')).toMatch(
    /^curl -X GET -H 'Authorization: Xlink \S+' 'http:/,
  );

  demo.process.kill('SIGINT');
  expect(await demo.exitCode()).toBe(0);
});

test.each([
  ['SIGINT', {}, 0],
  ['SIGTERM', {}, 0],
  ['SIGINT', { DEMO: 'once' }, 130],
] as const)('%s with %o: exit %i, no process and no file left', async (signal, env, code) => {
  const demo = new DemoProcess(copy, env);
  await demo.says(/served [1-9]/);
  const children = demo.children();
  expect(children.length).toBeGreaterThan(1);
  demo.process.kill(signal);
  expect([await demo.exitCode(), demo.output]).toEqual([code, expect.any(String)]);
  expect(children.filter(isAlive)).toEqual([]);
  expect(readdirSync(copy.temp)).toEqual([]);
});

test('a client that dies ends the demo with an error', async () => {
  const demo = new DemoProcess(copy, {});
  await demo.says(/served [1-9]/);
  const children = demo.children();
  process.kill(children.at(-1)!, 'SIGKILL');
  expect(await demo.exitCode()).toBe(1);
  expect(demo.output).toMatch(/The demo failed: .* ended with SIGKILL/);
  await allGone(children);
});

test('even if the demo itself is killed, its processes end', async () => {
  const demo = new DemoProcess(copy, {});
  await demo.says(/served [1-9]/);
  const children = demo.children();
  demo.process.kill('SIGKILL');
  await allGone(children);
});
