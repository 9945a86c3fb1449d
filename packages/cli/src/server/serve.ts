import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { apiServer, forwardedAddress, jsonLogger, listenAt, peerAddress } from '@private.me/xlink/http-api';
import { installedModules } from '../modules.js';
import { parsed } from '../parsed.js';
import type { Output } from '../run.js';
import { signals } from '../signals.js';
import { createIdentityServer, type IdentityServer } from './identity-server.js';
import {
  agentKeyOf,
  levelOf,
  modeOf,
  packageVersion,
  publicUrlOf,
  SERVE_OPTIONS,
  storeOf,
  wholeNumber,
} from './serve-options.js';
import { openStorage, type Storage } from './storage.js';

/** Runs the server until it is told to stop; resolves to the exit code. */
export async function serve(args: readonly string[], output: Output): Promise<number> {
  const { values } = parsed({ args: [...args], options: SERVE_OPTIONS, strict: true });
  const port = wholeNumber('port', values.port, 0, 65_535);
  const limits = {
    perAddress: wholeNumber('requests-per-address', values['requests-per-address'], 1, 100_000_000),
    perCaller: wholeNumber('requests-per-caller', values['requests-per-caller'], 1, 100_000_000),
  };
  const mode = modeOf(values.mode);
  const logger = jsonLogger(output.err, levelOf(values['log-level']));
  const store = storeOf(values.store);
  const agentKey = await agentKeyOf(values['agent-key-file']);
  publicUrlOf(values['public-url'], port); // a mistake in it is told before anything is made
  const routes = (await installedModules()).flatMap((module) => module.routes ?? []);

  const { http, begin, drain } = apiServer();
  const told = signals();
  let server: IdentityServer | undefined;
  let storage: Storage | undefined;
  let lost: unknown;
  let fail = () => {};
  const failed = new Promise<void>((resolve) => {
    fail = resolve;
  });
  try {
    const bound = await listenAt(http, port, values.host);
    storage = await openStorage(
      { data: values.data, store, identityFile: values.identity, mustExist: values.existing },
      output,
    );
    server = await createIdentityServer({
      storage,
      publicUrl: publicUrlOf(values['public-url'], bound.port),
      logger,
      version: await packageVersion(),
      agentKey,
      limits,
      addressOf: values['behind-proxy'] ? forwardedAddress : peerAddress,
      routes,
      mode,
      onLost: (error) => {
        lost ??= error;
        fail();
      },
    });
    const token = await firstToken(server, values['new-admin-token']);
    if (token !== undefined) await hand(token, values['admin-token-file']);
    begin(server.handler);
    http.on('upgrade', server.upgrade);
    const links = publicUrlOf(values['public-url'], bound.port);
    announce({ bound, did: storage.identity.did, token, values, links }, output);
    await Promise.race([told.toStop, failed]);
    server.stop();
    await drain();
  } finally {
    http.close();
    await (server ?? storage)?.close().catch((error: unknown) => {
      lost ??= error;
    });
    http.closeAllConnections();
    told.end();
  }
  if (lost !== undefined)
    throw new Error('a store cannot go on; nothing that was not written was acknowledged', { cause: lost });
  output.out('stopped');
  return 0;
}

async function firstToken(server: IdentityServer, isWanted: boolean): Promise<string | undefined> {
  const made = isWanted
    ? await server.access.makeToken({ name: 'made at the start', role: 'admin' })
    : await server.access.makeFirst();
  return made?.token;
}

async function hand(token: string, file: string | undefined): Promise<void> {
  if (file === undefined) return;
  await writeFile(file, `${token}\n`, { mode: 0o600, flag: 'wx' }).catch((cause: unknown) => {
    const what = `the admin token could not be written to ${file}`;
    throw new Error(`${what}: start with --new-admin-token, and a file that is not there`, { cause });
  });
}

function announce({ bound, did, token, values, links }: Announced, { out }: Output): void {
  const { address, port, family } = bound;
  const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  const shown = values['admin-token-file'] === undefined ? token : undefined;
  if (values.json) {
    out(JSON.stringify({ did, url, ...(shown === undefined ? {} : { adminToken: shown }) }));
    return;
  }
  out(`server ${did}`);
  out(`url    ${url}`);
  if (links !== url) out(`links  ${links}  (what links and documents say: --public-url)`);
  if (shown !== undefined) out(`admin  ${shown}  (shown once: keep it)`);
}

interface Announced {
  readonly bound: AddressInfo;
  readonly did: string;
  readonly token: string | undefined;
  readonly links: string;
  readonly values: { readonly json: boolean; readonly 'admin-token-file'?: string | undefined };
}
