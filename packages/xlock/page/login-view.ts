import type { XlockChallenge } from '../src/challenge/challenge.js';
import { postAnswer } from '../src/device/post-answer.js';
import { isXlockError } from '../src/errors.js';
import type { App } from './app.js';
import { busy, element, facts, say, show } from './dom.js';
import { forgetPending } from './pending.js';
import { result } from './result-view.js';
import { isFinal, labelOf, minutes, wordsOf } from './words.js';

const digits = element<HTMLInputElement>('digits');
const yes = element<HTMLButtonElement>('yes');
const problem = element('login-problem');

/** What is shown now, or nothing. */
let open: { readonly challenge: XlockChallenge; readonly text: string; readonly timer: number } | undefined;

/** Shows who asks, from where and for what. */
export function showLogin(challenge: XlockChallenge, text: string): void {
  closeLogin();
  const { origin, action, userId, metadata, matching } = challenge;
  element('login-host').textContent = new URL(origin).host;
  element('login-origin').textContent = origin;
  facts('login-facts', [
    ['For', action],
    ...(userId === '' ? [] : ([['Account', userId]] as const)),
    ...Object.entries(metadata).map(([name, value]) => [labelOf(name), value] as const),
  ]);
  digits.value = '';
  problem.textContent = '';
  for (const id of ['digits', 'digits-label']) element(id).hidden = !matching;
  digits.required = matching;
  open = { challenge, text, timer: window.setInterval(tick, 250) };
  tick();
  show('login');
}

/** Ends the view without an answer. */
export function closeLogin(): void {
  if (open) clearInterval(open.timer);
  open = undefined;
}

function tick(): void {
  if (!open) return;
  const leftMs = open.challenge.respondBy - Date.now();
  element('left').textContent = `${minutes(leftMs)} left`;
  if (leftMs > 0) return;
  void over('over', 'Time is up', 'Nothing was approved. Begin again on the login page, if it was you.');
}

async function over(state: 'good' | 'bad' | 'over', title: string, text: string): Promise<void> {
  const challenge = open?.challenge;
  closeLogin();
  if (challenge) await forgetPending(challenge);
  result(state, title, text);
}

/** Connects the buttons. */
export function startLogin(app: App, back: () => void): void {
  element('login-back').onclick = () => {
    closeLogin();
    back();
  };
  digits.oninput = () => {
    digits.value = digits.value.replaceAll(/\D/g, '').slice(0, 2);
    problem.textContent = '';
  };
  element<HTMLFormElement>('approve').onsubmit = (event) => {
    event.preventDefault();
    void busy(yes, () => answer(approve));
  };
  const deny = element<HTMLButtonElement>('deny');
  deny.onclick = () => void busy(deny, () => answer(refuse));
  const elsewhere = element<HTMLButtonElement>('elsewhere');
  elsewhere.onclick = () => void busy(elsewhere, () => answer(refuseOrigin));

  async function answer(how: (at: NonNullable<typeof open>) => Promise<void>): Promise<void> {
    if (!open) return;
    const at = open;
    problem.textContent = '';
    try {
      await how(at);
    } catch (error) {
      if (open !== at) return;
      if (isXlockError(error, 'RESPONSE_USER_REJECTED:NUMBER'))
        return over(
          'bad',
          'Denied: other digits',
          'These are not the digits of the login page. If it was you, begin again there, and type what your own page shows.',
        );
      if (isXlockError(error, 'CHALLENGE_EXPIRED') || isXlockError(error, 'RESPONSE_TIMEOUT'))
        return over(
          'over',
          'Time is up',
          'Nothing was approved. Begin again on the login page, if it was you.',
        );
      if (isXlockError(error, 'CHALLENGE_ALREADY_USED'))
        return over(
          'over',
          'Answered already',
          'This login was answered before, perhaps on another device of yours.',
        );
      if (isFinal(error)) return over('bad', 'Not approved', wordsOf(error));
      problem.textContent = wordsOf(error);
    }
  }

  async function approve({ challenge, text }: NonNullable<typeof open>): Promise<void> {
    if (challenge.matching && digits.value.length !== 2) {
      problem.textContent = 'Type the two digits that the login page shows.';
      digits.focus();
      return;
    }
    const label = yes.textContent;
    yes.textContent = 'Approving…';
    say('Approving');
    try {
      await app.approver.device.approve(text, { digits: digits.value, send: postAnswer });
    } finally {
      yes.textContent = label;
    }
    await over(
      'good',
      'Approved',
      `You are logged in at ${new URL(challenge.origin).host}. The key was put together for this one login.`,
    );
  }

  async function refuse({ text }: NonNullable<typeof open>): Promise<void> {
    await app.approver.device.deny(text, { send: postAnswer });
    await over('bad', 'Denied', 'Nobody was let in. If you did not ask for this login, somebody else tried.');
  }

  async function refuseOrigin({ text }: NonNullable<typeof open>): Promise<void> {
    try {
      await app.approver.device.approve(text, {
        digits: '00',
        seenOrigin: 'https://other.invalid',
        send: postAnswer,
      });
    } catch (error) {
      if (!isXlockError(error, 'CHALLENGE_INVALID:ORIGIN')) throw error;
    }
    await over(
      'bad',
      'Denied: another address',
      'The page that you saw may be a copy. Close it, and open the service by its own address.',
    );
  }
}
