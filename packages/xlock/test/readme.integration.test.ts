// The snippets of the README run as they stand there.
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { FileOperationsStore } from '@private.me/xlink/file';
import { vapidKeys, XlockVerifier } from '../src/index.js';
import { runSnippet as run, snippetsIn } from './snippets.js';
import { afterTest, deviceOf, identityOf, temporaryFolder } from './support.js';

test('the snippets of the README run', async () => {
  const snippets = (await snippetsIn('README.md')).filter((text) => !text.includes('/sso')); // they need keys and a public origin: test/sso has what they do
  const page = snippets.find((text) => text.includes('approvalPage('));
  const places = { vapid: { ...vapidKeys(), subject: 'mailto:ops@acme.com' }, relayPush: { send() {} } };
  expect(await run(page!, places)).toEqual(['https://approve.acme.com/# 3']);
  const folder = await temporaryFolder();
  const inFolder = class extends FileOperationsStore {
    constructor(path: string) {
      super(join(folder, path));
      afterTest(() => this.close());
    }
  };
  const file = () => ({ FileOperationsStore: inFolder });
  expect(await run(snippets[0]!, { '@private.me/xlink/file': file })).toEqual([
    'https://acme.com/.well-known/xlock/register?service=acme.com'.slice(0, 45),
  ]);
  expect(await run(snippets[2]!)).toEqual(['0']);

  // The verifier of the snippet, with a device that approves what it is asked.
  const device = await deviceOf('phone');
  const known = new XlockVerifier({ origin: 'https://acme.com', identity: await identityOf('service') });
  const { text } = await known.createRegistrationChallenge({ userId: 'ada' });
  const registered = await known.verifyRegistration(await device.register(text));
  const createAuthChallenge = known.createAuthChallenge.bind(known);
  known.createAuthChallenge = async (request) => {
    const challenge = await createAuthChallenge(request);
    const answering = device.approve(challenge.text, { digits: challenge.match });
    void answering.then((answer) => known.respond(answer));
    return challenge;
  };
  const Known = jest.fn(() => known);
  const printed = await run(snippets[1]!, {
    userDid: registered.value!.did,
    '@private.me/xlock': () => ({ XlockVerifier: Known }),
  });
  expect(printed).toEqual([expect.stringMatching(/^Type \d\d on your device$/), device.id]);
});
