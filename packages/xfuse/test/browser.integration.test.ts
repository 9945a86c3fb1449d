import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { describeWith, findProgram } from './programs.js';
import { afterTest, listen } from './support.js';

const PROGRAM = `
import { DeviceSecret, FusionManager, OprfServer, verifySession } from '@private.me/xfuse/fusion';
const device = new DeviceSecret('other', crypto.getRandomValues(new Uint8Array(32)));
const oprf = new OprfServer({ seed: crypto.getRandomValues(new Uint8Array(32)) });
const argon2 = { memoryKiB: 19456, passes: 2 };
const fusion = new FusionManager({ threshold: 2, totalSignals: 2, argon2, oprf });
const signals = [{ type: 'password', value: 'correct horse' }, { type: 'device', value: device }];
for (const signal of signals) await fusion.enrollSignal(signal);
const { did, certificate, aal } = await fusion.converge(signals);
const isKnown = () => true;
const claims = await verifySession(certificate, { did, audience: 'local', isKnown });
const wrong = await fusion.converge([{ type: 'password', value: 'wrong horse' }, signals[1]]).catch(({ id }) => id);
document.title = JSON.stringify({ aal, isSame: claims.session === did, wrong });
`;

describeWith(['chromium'], 'in a browser', () => {
  test('signals converge there, with nothing of Node', async () => {
    const { outputFiles } = await build({
      stdin: { contents: PROGRAM, resolveDir: fileURLToPath(new URL('..', import.meta.url)) },
      bundle: true,
      format: 'esm',
      platform: 'browser',
      // As an application has it: what the packages publish, not the sources.
      tsconfigRaw: {},
      write: false,
    });
    const script = outputFiles[0]!.text;
    const url = await listen((request, response) => {
      const isScript = request.url === '/script.js';
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
      response.end(
        isScript ? script : '<!doctype html><title>-</title><script type="module" src="/script.js"></script>',
      );
    });
    const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
    const browser = await chromium.launch({ executablePath: findProgram('chromium')!, args });
    afterTest(() => browser.close());
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(String(error)));
    await page.goto(url.replace('127.0.0.1', 'localhost'));
    await page.waitForFunction(() => document.title !== '-', undefined, { timeout: 40_000 });
    expect(faults).toEqual([]);
    expect(JSON.parse(await page.title())).toEqual({ aal: 'AAL2', isSame: true, wrong: 'SIGNALS_REFUSED' });
  });
});
