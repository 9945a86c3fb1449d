import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import decodeQR from 'qr/decode.js';
import { FolderStore } from '../src/local/invite-store.js';
import { qrText } from '../src/qr.js';
import { call, dataOf } from './support/call.js';
import { xlink } from './support/program.js';

const XLINK = fileURLToPath(new URL('../dist/xlink.js', import.meta.url));

describe('invites', () => {
  let home: string;
  let billing: string;
  let stop: () => Promise<void>;
  const lines: string[] = [];
  const waiting = new Set<() => void>();

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'xlink-invites-'));
    billing = join(home, 'billing');
    await dataOf(billing, 'init', '--name', 'billing');
  });
  afterAll(async () => {
    await stop?.();
    await rm(home, { recursive: true, force: true });
  });

  let count = 0;
  async function newcomer(): Promise<string> {
    const dir = join(home, `shop-${count++}`);
    await dataOf(dir, 'init', '--name', 'shop');
    return dir;
  }

  const invite = (...more: string[]) =>
    dataOf(billing, 'invite', 'shop', '--scope', 'orders', '--receive', 'notices', ...more);

  test('are printed as the papers show, with a QR code that cameras read', async () => {
    const made = await call(
      'invite',
      'billing-service',
      '--email',
      'billing@example.com',
      '--qr',
      '--dir',
      billing,
    );
    const data = JSON.parse(made.out);
    expect(Object.keys(data).slice(0, 5)).toEqual([
      'status',
      'invite_url',
      'qr_code',
      'expires_at',
      'message',
    ]);
    expect(data).toMatchObject({ status: 'created', message: `Share this link: ${data.invite_url}` });
    expect(data.qr_code).toMatch(/^data:image\/svg\+xml,%3Csvg/);
    expect(data.invite_url).toBe(`${data.invite_url.split('#')[0]}#${data.code}`);
    expect(made.err).toContain('To billing@example.com (nothing was sent):');
    expect(made.err).toContain(qrText(data.invite_url));
    expect(decodeQR(pixelsOf(qrText(data.invite_url)))).toBe(data.invite_url);
    const [kept] = await dataOf(billing, 'invite', '--list');
    expect(kept).toMatchObject({ state: 'open', email: 'billing@example.com', number: data.number });
    for (const name of await readdir(join(billing, 'invites')))
      expect(await readFile(join(billing, 'invites', name), 'utf8')).not.toContain(data.code.slice(40, 60));
  });

  /** The modules of a code in a terminal, light ones as white pixels. */
  function pixelsOf(text: string) {
    const rows = text.split('\n');
    const scale = 4;
    const width = rows[0]!.length;
    const height = rows.length * 2;
    const data = new Uint8Array(width * height * scale * scale * 4).fill(255);
    const isLight = (x: number, y: number) => {
      const sign = rows[y >> 1]?.[x] ?? ' ';
      return sign === '█' || sign === (y % 2 === 0 ? '▀' : '▄');
    };
    for (let y = 0; y < height * scale; y++)
      for (let x = 0; x < width * scale; x++)
        data.fill(
          isLight(Math.floor(x / scale), Math.floor(y / scale)) ? 255 : 0,
          (y * width * scale + x) * 4,
          (y * width * scale + x) * 4 + 3,
        );
    return { width: width * scale, height: height * scale, data };
  }

  test('cannot be accepted while nobody listens: exit code 4, and later they can', async () => {
    const { code } = await invite();
    const shop = await newcomer();
    const refused = await call('accept', code, '--dir', shop);
    expect([refused.code, refused.err]).toEqual([4, expect.stringContaining('ECONNREFUSED')]);
    await listen();
    expect(await dataOf(shop, 'accept', code)).toMatchObject({
      status: 'accepted',
      name: 'billing',
      scopes: ['orders'],
    });
  });

  /** `xlink receive` of the one who invites, from here on. */
  async function listen(): Promise<void> {
    const child = spawn(process.execPath, [XLINK, 'receive', '--dir', billing], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const closed = new Promise((resolve) => child.once('close', resolve));
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      for (const wake of waiting) wake();
    });
    stop = async () => {
      child.kill('SIGINT');
      expect(await closed).toBe(0);
    };
    await new Promise<void>((resolve) =>
      child.stderr.on('data', (chunk) => String(chunk).includes('listening') && resolve()),
    );
  }

  async function lineWith(text: string): Promise<string> {
    for (;;) {
      const found = lines.find((line) => line.includes(text));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        waiting.add(function wake() {
          waiting.delete(wake);
          resolve();
        });
      });
    }
  }

  test('make both sides trust each other, while the other side runs', async () => {
    const { code } = await invite(); // made while xlink receive has the registry
    const shop = await newcomer();
    const { did } = JSON.parse(await readFile(join(shop, 'config.json'), 'utf8'));
    const accepted = await dataOf(shop, 'accept', code);
    expect(await dataOf(shop, 'lookup', '--did', accepted.did)).toMatchObject({
      scopes: ['notices'],
      receive_scopes: ['orders'],
    });
    await dataOf(shop, 'send', '--to', 'billing', '--payload', '{"first":true}');
    expect(JSON.parse(await lineWith(did))).toMatchObject({
      sender: did,
      scope: 'orders',
      payload: { first: true },
    });
    const denied = await call('send', '--dir', shop, '--to', 'billing', '--payload', '1', '--scope', 'admin');
    expect([denied.code, denied.err]).toEqual([3, expect.stringContaining('scope')]);
  });

  test.each([
    ['used', 12],
    ['revoked', 14],
    ['forged', 11],
    ['cut', 10],
    ['foreign', 15],
    ['own', 15],
  ])('that is %s is refused with exit code %d, and nothing is changed', async (kind, expected) => {
    const made = await invite();
    let { code } = made;
    const shop = kind === 'own' ? billing : await newcomer();
    if (kind === 'used') await dataOf(await newcomer(), 'accept', code);
    if (kind === 'revoked')
      expect(await dataOf(billing, 'invite', '--revoke', made.number)).toMatchObject({ state: 'revoked' });
    if (kind === 'forged') code = `${code.slice(0, -4)}AAAA`;
    if (kind === 'cut') code = code.slice(0, 60);
    if (kind === 'foreign') {
      // Another identity says that it is reached at this inbox.
      const liar = join(home, 'liar');
      const { url } = JSON.parse(await readFile(join(billing, 'config.json'), 'utf8'));
      await dataOf(liar, 'init', '--name', 'billing', '--url', url);
      ({ code } = await dataOf(liar, 'invite', 'shop', '--scope', 'orders'));
    }
    // The registry of the one who runs is open there: this one accepts as a stranger would.
    const { code: ended, err } =
      kind === 'own'
        ? await xlink(home, 'accept', '--show', code, '--dir', shop)
        : await call('accept', code, '--dir', shop);
    if (kind === 'own') return expect(ended).toBe(0);
    expect([ended, err]).toEqual([expected, expect.stringMatching(/^xlink accept: .|\nxlink accept: ./)]);
    expect((await dataOf(shop, 'lookup', '--all')).length).toBe(1);
  });

  test('that has expired is refused with exit code 13', async () => {
    const { code, expires_at: end } = await invite('--expires', '1s');
    while (Date.now() <= Date.parse(end)) await new Promise((resolve) => setTimeout(resolve, 50));
    const { code: ended, err } = await call('accept', code, '--dir', await newcomer());
    expect([ended, err]).toEqual([13, expect.stringContaining('over')]);
  });

  test('come from stdin and the environment, too, and are shown without being accepted', async () => {
    const { code } = await invite();
    const shop = await newcomer();
    const shown = await xlink(
      { cwd: home, input: `${code}\n` },
      'accept',
      '-',
      '--show',
      '--json',
      '--dir',
      shop,
    );
    expect([shown.code, JSON.parse(shown.out)]).toMatchObject([
      0,
      { name: 'billing', scopes: ['orders'], receive_scopes: ['notices'] },
    ]);
    const taken = await xlink({ cwd: home, env: { XLINK_INVITE_CODE: code } }, 'accept', '--dir', shop);
    expect([taken.code, taken.err]).toEqual([0, expect.stringContaining('you may send: orders')]);
  });

  test('are claimed once, by however many processes', async () => {
    const path = join(home, 'documents');
    const stores = Array.from({ length: 8 }, () => new FolderStore(path));
    const wins = await Promise.all(stores.map((store) => store.save('invite/a', '{}', 0)));
    expect(wins.filter(Boolean).length).toBe(1);
    for (let version = 1; version < 4; version++)
      expect(
        (await Promise.all(stores.map((store) => store.save('invite/a', `${version}`, version)))).filter(
          Boolean,
        ).length,
      ).toBe(1);
    expect(await stores[0]!.load('invite/a')).toEqual({ id: 'invite/a', version: 4, json: '3' });
    expect(await stores[0]!.list('invite')).toEqual([{ id: 'invite/a', version: 4, json: '3' }]);
    expect(await stores[0]!.remove('invite/a', 4)).toBe(true);
    expect(await stores[0]!.list('invite')).toEqual([]);
  });
});
