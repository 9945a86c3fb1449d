import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type CDPSession, chromium, type Page } from 'playwright-core';
import { findProgram } from './servers.js';
import { afterTest, listen } from './support.js';

/** The page front, as a page has it: `window.xlock`. */
async function pageScript(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import * as page from './src/webauthn-page.ts'; window.xlock = page;`,
      resolveDir: fileURLToPath(new URL('..', import.meta.url)),
    },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    tsconfigRaw: {},
    write: false,
  });
  return outputFiles[0]!.text;
}

/** A page of a real Chromium on a server of its own, with an authenticator that verifies its user and has PRF. */
export async function openPage(): Promise<{
  page: Page;
  origin: string;
  cdp: CDPSession;
  authenticatorId: string;
}> {
  const script = await pageScript();
  const { url } = await listen((request, response) => {
    const isScript = request.url === '/xlock.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(
      isScript ? script : '<!doctype html><title>-</title><script type="module" src="/xlock.js"></script>',
    );
  });
  const origin = url.replace('127.0.0.1', 'localhost');
  const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
  const browser = await chromium.launch({ executablePath: findProgram('chromium')!, args });
  afterTest(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(40_000);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      hasPrf: true,
    },
  });
  await page.goto(origin);
  return { page, origin, cdp, authenticatorId };
}

/** What the page gets from `navigator.credentials` for options as JSON, as JSON. */
export const credential = (page: Page, kind: 'create' | 'get', options: unknown): Promise<unknown> =>
  page.evaluate(
    async ([how, json]) => {
      const { parseCreationOptionsFromJSON, parseRequestOptionsFromJSON } =
        PublicKeyCredential as unknown as Record<
          string,
          (json: unknown) => PublicKeyCredentialCreationOptions
        >;
      const parse = how === 'create' ? parseCreationOptionsFromJSON! : parseRequestOptionsFromJSON!;
      const publicKey = parse.call(PublicKeyCredential, json);
      const made = await navigator.credentials[how as 'create']({ publicKey });
      if (!(made instanceof PublicKeyCredential)) throw new Error('no PublicKeyCredential');
      return made.toJSON() as unknown;
    },
    [kind, options] as const,
  );
