// A share on paper: printed as SVG, rendered by a real browser, and read back by the decoder.
import { existsSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { chromium } from 'playwright-core';
import { PaperBackend, passkeyName, readSheet, type SheetImage, shareSheet } from '../src/index.js';
import { isSignedBy } from '../src/util/signed-by.js';
import { findProgram } from './servers.js';
import { afterTest, describeWhere, idOf, moodies, vaultOn } from './support.js';

const owner = {
  service: 'https://login.acme-corporation.example',
  userId: 'ada.lovelace@acme-corporation.example',
};
const browserPath =
  process.env['CHROMIUM'] ??
  ['chromium', 'chromium-browser', 'google-chrome'].map((name) => findProgram(name)).find(Boolean) ??
  [chromium.executablePath()].find(existsSync);

/** The dots of the code, drawn without a browser: what `shareSheet` writes is one path of squares. */
function drawn(svg: string, pixels = 4): SheetImage {
  const [, path] = /<path [^>]* d="([^"]*)"/.exec(svg)!;
  const squares = [...path!.matchAll(/M(\d+) (\d+)h1v1h-1z/g)].map(([, x, y]) => [Number(x), Number(y)]);
  const side = Math.max(...squares.map(([x]) => x!)) + 1;
  const width = (side + 8) * pixels;
  const data = new Uint8Array(width * width * 4).fill(255);
  for (const [x, y] of squares)
    for (let dy = 0; dy < pixels; dy++)
      for (let dx = 0; dx < pixels; dx++) {
        const at = (((y! + 4) * pixels + dy) * width + (x! + 4) * pixels + dx) * 4;
        data.set([0, 0, 0], at);
      }
  return { width, height: width, data };
}

test('a sheet is asked for only where the others do not suffice, and then any two do', async () => {
  const [file, cloud] = moodies();
  const sheets = new Map<string, string>();
  const asked: string[] = [];
  const paper = new PaperBackend({
    print: (svg, name) => void sheets.set(name, svg),
    scan: (name) => {
      asked.push(name);
      const svg = sheets.get(name);
      return svg === undefined ? undefined : drawn(svg);
    },
  });
  const vault = vaultOn([file, cloud, paper]);
  const { did } = await vault.generatePasskey(owner);
  const message = Buffer.from('with paper');
  await vault.signChallenge({ ...owner, message });
  expect(asked).toEqual([]);
  cloud.mood = 'lying'; // of two nobody can tell which one lies: the sheet can
  const { signature, faulty } = await vault.signChallenge({ ...owner, message });
  expect([isSignedBy(did, message, signature), faulty]).toEqual([true, [cloud.id]]);
  expect(asked).toEqual([passkeyName(owner)]);
  expect((await vault.audit(owner)).stores[2]).toEqual({ id: 'paper', state: 'not-asked' });
  expect((await vault.audit({ ...owner, all: true })).stores.map(({ state }) => state)).toEqual([
    'good',
    'bad',
    'good',
  ]);
  const old = sheets.get(passkeyName(owner))!;
  cloud.mood = 'good';
  await vault.rotate(owner);
  expect(sheets.get(passkeyName(owner))).not.toBe(old);
  cloud.mood = 'down';
  sheets.set(passkeyName(owner), old); // the old sheet with a new share
  expect(await idOf(vault.signChallenge({ ...owner, message }))).toBe('PASSKEY_RECONSTRUCTION_FAILED');
});

test('a sheet says of which service, account and splitting it is, so that an old one is told from a new one', async () => {
  const stores = moodies();
  let now = Date.parse('2026-11-30T12:00:00Z');
  const vault = vaultOn(stores, { clock: () => now });
  const markup = { service: 'https://acme.com', userId: `<b>${'a'.repeat(60)}` };
  await vault.generatePasskey(markup);
  const sheet = () =>
    shareSheet(passkeyName(markup), stores[1].get(passkeyName(markup))!).replace(/<path[^>]*>/, '');
  const first = sheet();
  expect(first).toContain('>https://acme.com<');
  expect(first).toMatch(/>account &#60;b&#62;a+…a{19}</);
  expect(first).toMatch(/>split 2026-11-30 12:00:00 UTC, no\. [\w-]{4}</);
  expect(first).toContain('>share 2 of 3; 2 make the key<');
  now += 1000;
  await vault.rotate(markup);
  expect(sheet()).toContain('split 2026-11-30 12:00:01 UTC');
});

test('a bad picture in a recovery is named as that', async () => {
  const [file, cloud] = moodies();
  const blank = { width: 10, height: 10, data: new Uint8Array(400) };
  const paper = new PaperBackend({ print: () => {}, scan: () => blank });
  await vaultOn([file, cloud, paper]).generatePasskey(owner);
  cloud.mood = 'down';
  await expect(vaultOn([file, cloud, paper]).recover(owner)).rejects.toMatchObject({
    id: 'RECOVERY_SHARES_INSUFFICIENT',
    details: {
      problems: [
        { id: cloud.id, reason: 'down' },
        { id: 'paper', reason: expect.stringContaining('No QR code was found on the picture') },
      ],
    },
  });
});

test('what is no sheet, or damaged, is refused', async () => {
  expect(await idOf(() => readSheet({ width: 10, height: 10, data: new Uint8Array(400) }))).toBe(
    'SHARE_UNREADABLE',
  );
  for (const text of ['', 'https://acme.com', 'xlock-share:1:a:AAAAAAAA:AAAA'])
    expect(await idOf(() => readSheet(text))).toBe('SHARE_UNREADABLE');
  expect(shareSheet('xlock-a', Uint8Array.of(1), '<script>')).not.toContain('<script>');
});

describeWhere(browserPath !== undefined, 'Chromium', 'printed by a browser', () => {
  test('the whole sheet is read from a picture of it, turned a little, too', async () => {
    const stores = moodies();
    await vaultOn(stores).generatePasskey({ ...owner, verifier: `did:key:z6Mk${'1'.repeat(44)}` });
    const share = stores[0].get(passkeyName(owner))!;
    const svg = shareSheet(passkeyName(owner), share, 'Ada, share 3 of 3');
    const browser = await chromium.launch({ executablePath: browserPath!, args: ['--no-sandbox'] });
    afterTest(() => browser.close());
    const page = await browser.newPage({ viewport: { width: 800, height: 900 } });
    for (const degrees of [0, 3]) {
      await page.setContent(`<body style="margin:40px;background:#fff">${svg}</body>`);
      await page.locator('svg').evaluate((element, angle) => {
        (element as unknown as HTMLElement).style.transform = `rotate(${angle}deg)`;
      }, degrees);
      const png = await page.screenshot();
      if (process.env['XLOCK_SHEET'])
        await page.screenshot({ path: `${process.env['XLOCK_SHEET']}-${degrees}.png` });
      const image = await page.evaluate(async (base64) => {
        const picture = new Image();
        picture.src = `data:image/png;base64,${base64}`;
        await picture.decode();
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [picture.width, picture.height];
        const context = canvas.getContext('2d')!;
        context.drawImage(picture, 0, 0);
        const { data, width, height } = context.getImageData(0, 0, picture.width, picture.height);
        return { width, height, data: btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join('')) };
      }, png.toString('base64'));
      const read = readSheet({ ...image, data: Uint8Array.from(Buffer.from(image.data, 'base64')) });
      expect(read.name).toBe(passkeyName(owner));
      expect(Buffer.from(read.bytes).equals(share)).toBe(true);
    }
  });
});
