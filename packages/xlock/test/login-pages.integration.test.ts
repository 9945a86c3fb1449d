// The login page of the gate, and the one of docs/service.md, in a real browser at the width of a phone.
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import axe from 'axe-core';
import express from 'express';
import { chromium, type Page } from 'playwright-core';
import { postAnswer, xlockExpress } from '../src/index.js';
import { type Mount, service } from './gate-world.js';
import { findProgram } from './servers.js';
import { afterTest, describeWhere, deviceOf } from './support.js';

const SCREENSHOTS = fileURLToPath(new URL('../../../test-output/screenshots/', import.meta.url));
const DOCS = fileURLToPath(new URL('../docs/service.md', import.meta.url));

async function openPage(): Promise<{ page: Page; complaints: string[] }> {
  const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
  const browser = await chromium.launch({ executablePath: findProgram('chromium')!, args });
  afterTest(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
  page.setDefaultTimeout(40_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 40[134]/.test(message.text()))
      complaints.push(message.text());
  });
  return { page, complaints };
}

describeWhere(findProgram('chromium') !== undefined, 'chromium', 'in a browser', () => {
  test.each([
    ['of the gate', undefined],
    ['of the documentation', '/login'],
  ])('the page %s: asked for orders, denied, approved, back at the orders', async (name, loginPage) => {
    const [, html] = /```html\n([\s\S]*?)```/.exec(await readFile(DOCS, 'utf8'))!;
    const mount: Mount = async (gate) =>
      express()
        .use(xlockExpress(gate))
        .get('/login', (_, response) => void response.send(html))
        .get('/orders', (_, response) => void response.send('<title>Orders</title>Beans'));
    const { url, verifier } = await service(mount, { loginPage });
    const device = await deviceOf('phone');
    const { text } = await verifier.createRegistrationChallenge({ userId: 'ada' });
    await device.register(text, { send: postAnswer });
    const { page, complaints } = await openPage();
    await page.goto(`${url}/orders?of=may`);
    const begun = async (): Promise<{ appLink: string; match: string }> => {
      const waiting = page.waitForResponse((response) => response.url() === `${url}/xlock/login`);
      await page.getByLabel('Account').fill('ada');
      await page.getByRole('button', { name: /Log in|Continue/ }).click();
      return (await waiting).json();
    };
    const first = await begun();
    await page.getByText(first.match, { exact: true }).waitFor();
    if (loginPage === undefined) {
      mkdirSync(SCREENSHOTS, { recursive: true });
      await page.screenshot({ path: join(SCREENSHOTS, 'xlock-gate-sign-in.png') });
      await page.evaluate(axe.source);
      const found = 'axe.run().then(({ violations }) => violations.map(({ id }) => id))';
      expect(await page.evaluate(found)).toEqual([]);
    }
    expect(await page.getByRole('link', { name: 'Open on this device' }).getAttribute('href')).toContain(
      '/.well-known/xlock/auth?',
    );
    await device.deny(first.appLink, { send: postAnswer });
    await page.getByText('The user denied the login.').waitFor();
    if (loginPage === undefined) await page.getByRole('button', { name: 'Try again' }).click();
    const second = await begun();
    await device.approve(second.appLink, { digits: second.match, send: postAnswer });
    await page.waitForURL(`${url}/orders?of=may`);
    expect([await page.title(), complaints, name.length > 0]).toEqual(['Orders', [], true]);
  });
});
