// As the README has it: a share on a stick, one at a WebDAV server, one on the laptop. The laptop is lost, and a new one takes its place.
import { copyFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { EncryptedFileBackend, XlockGate, XlockVerifier } from '../src/index.js';
import { done, xlock, xlockWith } from './program.js';
import { bytesOf, idOf, listen, temporaryFolder } from './support.js';

jest.setTimeout(240_000); // starts many programs, on a machine that may be busy

/** A WebDAV server, as far as shares need one. */
async function dav() {
  const files = new Map<string, Buffer>();
  const state = { status: 0 };
  const { url } = await listen(async (request, response) => {
    const { method, url: path } = request;
    if (state.status) return void response.writeHead(state.status).end();
    if (method === 'PUT') files.set(path!, await bytesOf(request));
    if (method === 'DELETE') files.delete(path!);
    const file = files.get(path!);
    response.writeHead(method === 'GET' && !file ? 404 : 200).end(method === 'GET' ? file : undefined);
  });
  return { url: `${url}/xlock`, state };
}

async function service() {
  let gate: XlockGate | undefined;
  const { url } = await listen(async (request, response) => void (await gate!.pass(request, response)));
  const verifier = new XlockVerifier({ origin: url });
  gate = new XlockGate({ verifier });
  return { url, host: new URL(url).host, verifier };
}

test('the laptop is lost: stick and server recover the passkey on a new one, which logs in', async () => {
  const folder = await temporaryFolder();
  const { url: davUrl } = await dav();
  const { url, host, verifier } = await service();
  const places = ['--store', `file:${join(folder, 'usb')}`, '--store', davUrl, '--store', 'file:shares'];
  const lost = join(folder, 'lost');
  const initialized = await done(xlock(lost, 'init', ...places));
  expect(initialized).toMatchObject({ code: 0 });
  expect(initialized.said).toContain(`3  file:shares  (lost with this device)`);
  expect(initialized.said).toContain('whoever has the medium has this share');
  expect(initialized.said).toContain('the other 2 stores recover your passkeys');
  const { links } = await verifier.createRegistrationChallenge({ userId: 'ada' });
  expect(await done(xlock(lost, 'register', links.app))).toMatchObject({ code: 0 });
  const { did } = await verifier.createAuthChallenge({ userId: 'ada' });
  await rm(lost, { recursive: true });

  const fresh = join(folder, 'fresh');
  expect((await done(xlock(fresh, 'init', ...places))).code).toBe(0);
  const recovered = await done(xlock(fresh, 'recover', '--service', url, '--user', 'ada'));
  expect(recovered).toMatchObject({ code: 0, said: expect.stringContaining(`Recovered ${did}`) });
  expect(recovered.said).toMatch(/Shares are in 1:file:.*, 2:http.*, 3:file:shares; it takes 2/);
  const adding = await verifier.createRegistrationChallenge({ did });
  expect((await done(xlock(fresh, 'register', adding.links.app))).code).toBe(0);
  const login = await verifier.createAuthChallenge({ did });
  const said = ['--seen', host, '--digits', login.match];
  expect((await done(xlock(fresh, 'approve', login.links.app, ...said))).code).toBe(0);
  expect(await verifier.verifyAuth(login.id)).toMatchObject({ ok: true });
});

test('init warns where a lost device takes all passkeys along', async () => {
  const home = await temporaryFolder();
  const all = await done(xlock(home, 'init', '--store', 'file:a', '--store', 'file:b'));
  expect(all.said).toMatch(/WARNING: 0 of the stores outlive this device, and it takes 2/);
  const outside = await temporaryFolder();
  const safe = ['a', 'b'].flatMap((name) => ['--store', `file:${join(outside, name)}`]);
  const none = await done(xlock(join(home, 'other'), 'init', ...safe));
  expect(none.said).not.toContain('WARNING');
});

test('the error of a recovery names each store that did not help, and its key file', async () => {
  const folder = await temporaryFolder();
  const usb = join(folder, 'usb');
  const { url: davUrl, state } = await dav();
  const { url, verifier } = await service();
  const places = ['--store', `file:${usb}`, '--store', davUrl, '--store', 'file:shares'];
  const home = join(folder, 'home');
  await done(xlock(home, 'init', ...places));
  const { links } = await verifier.createRegistrationChallenge({ userId: 'ada' });
  await done(xlock(home, 'register', links.app));
  await rename(join(usb, 'store.key'), join(folder, 'kept.key'));
  state.status = 401;
  const fresh = join(folder, 'fresh');
  await done(xlock(fresh, 'init', ...places));
  const recover = () => done(xlock(fresh, 'recover', '--service', url, '--user', 'ada'));
  const without = await recover();
  expect(without.code).toBe(1);
  expect(without.said).toContain(`1:file:${usb}: The key file ${join(usb, 'store.key')}, with which it was`);
  expect(without.said).toContain(`2:${davUrl}: The store answered with status 401.`);
  expect(without.said).toContain('3:file:shares: It has no share of this passkey.');
  state.status = 0;
  await writeFile(join(usb, 'store.key'), Buffer.alloc(32, 1), { mode: 0o600 });
  expect((await recover()).said).toContain(`It was written with another key file than ${usb}`);
  await copyFile(join(folder, 'kept.key'), join(usb, 'store.key'));
  expect((await recover()).code).toBe(0);
});

test('a store that is opened by a passphrase asks for its variable, and needs no key file', async () => {
  const folder = await temporaryFolder();
  const places = ['--store', `passphrase:${join(folder, 'usb')}`, '--store', `file:${join(folder, 'b')}`];
  const home = join(folder, 'home');
  const without = await done(xlock(home, 'init', ...places));
  expect(without).toMatchObject({ code: 2, said: expect.stringContaining('needs XLOCK_PASSPHRASE') });
  const env = { XLOCK_PASSPHRASE: 'correct horse battery' };
  expect((await done(xlockWith(env, home, 'init', ...places))).code).toBe(0);
  const { url, verifier } = await service();
  const { links } = await verifier.createRegistrationChallenge({ userId: 'ada' });
  expect((await done(xlockWith(env, home, 'register', links.app))).code).toBe(0);
  expect(await idOf(stat(join(folder, 'usb', 'store.key')))).toContain('ENOENT');
  const fresh = join(folder, 'fresh');
  await done(xlockWith(env, fresh, 'init', ...places));
  const wrong = xlockWith(
    { XLOCK_PASSPHRASE: 'incorrect horse' },
    fresh,
    'recover',
    '--service',
    url,
    '--user',
    'ada',
  );
  expect(await done(wrong)).toMatchObject({ code: 1, said: expect.stringContaining('Check the passphrase') });
  expect((await done(xlockWith(env, fresh, 'recover', '--service', url, '--user', 'ada'))).code).toBe(0);
});

test('a registration tells which store refused, and rotate repairs it; init adds a store and a relay later', async () => {
  const folder = await temporaryFolder();
  const { url: davUrl, state } = await dav();
  const { verifier } = await service();
  const home = join(folder, 'home');
  const usb = `file:${join(folder, 'usb')}`;
  await done(xlock(home, 'init', '--store', usb, '--store', davUrl, '--store', 'file:shares'));
  state.status = 401;
  const { links } = await verifier.createRegistrationChallenge({ userId: 'ada' });
  const registered = await done(xlock(home, 'register', links.app));
  expect(registered.code).toBe(0);
  expect(registered.said).toContain(`Shares are in 1:${usb}, 3:file:shares; it takes 2.`);
  expect(registered.said).toContain(`WARNING: not in all stores`);
  expect(registered.said).toContain(`2:${davUrl}: The store answered with status 401.`);
  const audit = await done(xlock(home, 'audit'));
  expect(audit.said).toMatch(/unavailable {2}2:\S+ {2}The store answered with status 401\./);
  state.status = 0;
  expect((await done(xlock(home, 'rotate'))).said).not.toContain('WARNING');

  const added = await done(
    xlock(home, 'init', '--relay', 'https://relay.example', '--store', `file:${join(folder, 'fourth')}`),
  );
  expect(added).toMatchObject({ code: 0, said: expect.stringContaining('2 of 4 stores') });
  expect(added.said).toContain('relay   https://relay.example');
  expect(added.said).toContain('now run xlock rotate');
  expect((await done(xlock(home, 'rotate'))).code).toBe(0);
  expect((await done(xlock(home, 'audit'))).said).toContain('4 good, 2 needed, 2 to spare');
  expect((await done(xlock(home, 'init'))).said).toContain('say what to change');
});

test('a key file is made by writing alone, and others may read it only beside the shares, without modes', async () => {
  const folder = await temporaryFolder();
  const keyFile = join(folder, 'key', 'store.key');
  const store = new EncryptedFileBackend({ folder: join(folder, 'shares'), keyFile });
  expect(await store.get('xlock-a')).toBeUndefined();
  expect(await idOf(stat(keyFile))).toContain('ENOENT');
  await store.put('xlock-a', Uint8Array.of(1));
  await rm(keyFile);
  await expect(store.get('xlock-a')).rejects.toMatchObject({ id: 'SHARE_UNREADABLE' });
  expect(await idOf(stat(keyFile))).toContain('ENOENT'); // no other one is made in its place
});
