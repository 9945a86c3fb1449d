import type { XlockChallenge } from '../src/challenge/challenge.js';
import { postAnswer } from '../src/device/post-answer.js';
import { isXlockError } from '../src/errors.js';
import type { App } from './app.js';
import { busy, element, facts, show } from './dom.js';
import { result } from './result-view.js';
import { deviceName } from './settings.js';
import { isFinal, labelOf, wordsOf } from './words.js';

const problem = element('register-problem');
let open: { readonly challenge: XlockChallenge; readonly text: string } | undefined;

/** Shows what is to be registered where. */
export async function showRegistration(challenge: XlockChallenge, text: string): Promise<void> {
  open = { challenge, text };
  const { origin, action, userId, did, metadata } = challenge;
  element('register-host').textContent = new URL(origin).host;
  facts('register-facts', [
    ['For', action],
    ...(userId === '' ? [] : ([['Account', userId]] as const)),
    ['This device', await deviceName()],
    ...Object.entries(metadata).map(([name, value]) => [labelOf(name), value] as const),
  ]);
  element('register-what').textContent =
    did === ''
      ? 'A new key is made and split at once: one share stays here, one goes to each of your share stores. It lies nowhere whole.'
      : 'This device will approve for a key that you have already, with its shares from your share stores.';
  problem.textContent = '';
  show('register');
}

const JOIN_FIRST =
  'The shares of this account are not open to this device. On a device of yours that has them choose “Add another device”, scan that code here, and open this link again.';

/** Whether the key cannot be put together here: the share stores of another device were not opened to this one. */
const isWithoutShares = (error: unknown): boolean =>
  isXlockError(error) && ['PASSKEY_NOT_FOUND', 'PASSKEY_RECONSTRUCTION_FAILED'].includes(error.code);

/** Stores that do not hold a good share; none where that cannot be told. */
async function storesWithout(app: App, { origin, userId }: XlockChallenge): Promise<readonly string[]> {
  try {
    const { stores } = await app.approver.vault.audit({ service: origin, userId });
    return stores.filter(({ state }) => state !== 'good').map(({ id }) => id);
  } catch {
    return [];
  }
}

/** Connects the buttons. */
export function startRegistration(app: App, back: () => void): void {
  element('register-no').onclick = () => {
    open = undefined;
    back();
  };
  const yes = element<HTMLButtonElement>('register-yes');
  yes.onclick = () =>
    void busy(yes, async () => {
      if (!open) return;
      const { challenge, text } = open;
      problem.textContent = '';
      try {
        await app.approver.device.register(text, { send: postAnswer });
      } catch (error) {
        const words = challenge.did !== '' && isWithoutShares(error) ? JOIN_FIRST : wordsOf(error);
        if (isFinal(error)) return result('bad', 'Not registered', words);
        problem.textContent = words;
        return;
      }
      open = undefined;
      const { host } = new URL(challenge.origin);
      // A device that was added keeps no share of its own.
      const without = challenge.did === '' ? await storesWithout(app, challenge) : [];
      if (without.length === 0)
        result('good', 'Registered', `From now on you log in at ${host} by approving here.`);
      else
        result(
          'over',
          'Registered, not everywhere',
          `From now on you log in at ${host} by approving here. But ${without.join(' and ')} did not take a share: until it has one, you cannot lose another. Have its operator look, then let the service register this device anew.`,
        );
      await app.reached().catch(() => {}); // pushes are a comfort: links and codes do without
    });
}
