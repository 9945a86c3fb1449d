// Each store over HTTP gets its own Authorization, and none that is for another one.
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { authorizationVariable } from '../src/cli/places.js';
import { HttpBackend, shareStore, XlockGate, XlockVerifier } from '../src/index.js';
import { done, xlockWith } from './program.js';
import { listen, temporaryFolder } from './support.js';

jest.setTimeout(240_000); // starts many programs, on a machine that may be busy

async function store() {
  const heard = new Set<string | undefined>();
  const handle = shareStore({ path: '/shares' });
  const { url } = await listen((request, response) => {
    heard.add(request.headers.authorization);
    handle(request, response);
  });
  return { place: `${url}/shares`, heard };
}

const bearer = (byte: number) => `Bearer ${Buffer.alloc(32, byte).toString('base64url')}`;

test('two stores hear two authorizations, and neither hears that of the other', async () => {
  const [one, two] = [await store(), await store()];
  const env = {
    [authorizationVariable(one.place)]: bearer(1),
    [authorizationVariable(two.place)]: bearer(2),
  };
  const home = join(await temporaryFolder(), 'home');
  const run = (...args: string[]) => done(xlockWith(env, home, ...args));
  expect((await run('init', '--store', one.place, '--store', two.place, '--store', 'file:shares')).code).toBe(
    0,
  );
  let gate: XlockGate | undefined;
  const { url } = await listen(async (request, response) => void (await gate!.pass(request, response)));
  const verifier = new XlockVerifier({ origin: url });
  gate = new XlockGate({ verifier });
  const { links } = await verifier.createRegistrationChallenge({ userId: 'ada' });
  expect((await run('register', links.app)).code).toBe(0);
  expect(await run('audit')).toMatchObject({ code: 0, said: expect.stringContaining('3 good') });
  expect([[...one.heard], [...two.heard]]).toEqual([[bearer(1)], [bearer(2)]]);
});

test('the variable is that of the host and port, and help and errors say so', async () => {
  expect(authorizationVariable('https://my-dav.example:8443/xlock')).toBe(
    'XLOCK_AUTHORIZATION_MY__DAV_EXAMPLE_8443',
  );
  const home = await temporaryFolder();
  const init = (env: NodeJS.ProcessEnv, place: string) =>
    done(xlockWith(env, home, 'init', '--store', place, '--store', 'file:b'));
  const withPassword = await init({}, 'https://ada:s3cret@dav.example/x');
  expect(withPassword).toMatchObject({
    code: 2,
    said: expect.stringMatching(/no user:password@.*XLOCK_AUTHORIZATION_DAV_EXAMPLE='Basic/),
  });
  expect(withPassword.said).not.toContain('s3cret');
  expect(await init({ XLOCK_HTTP_AUTHORIZATION: 'Bearer s3cret' }, 'https://dav.example/x')).toMatchObject({
    code: 2,
    said: expect.stringContaining('XLOCK_HTTP_AUTHORIZATION would go to every store'),
  });
  expect((await done(xlockWith({}, home, 'help', 'init'))).said).toContain('XLOCK_AUTHORIZATION_');
});

test('a library call with user:password@ is told where it belongs; what cannot be a header is not quoted', () => {
  expect(() => new HttpBackend({ url: 'https://ada:s3cret@dav.example/x' })).toThrow(/authorization/);
  let message = '';
  try {
    new HttpBackend({ url: 'https://dav.example/x', authorization: 'Bearer s3cret\n' });
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message).toContain('without line ends');
  expect(message).not.toContain('s3cret');
});
