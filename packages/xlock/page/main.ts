// The approval page: what the terminal approver does, for phones and browsers.
import { startApp } from './app.js';
import { element, line, show } from './dom.js';
import { startHome } from './home-view.js';
import { closeLogin, showLogin, startLogin } from './login-view.js';
import { wasAnswered } from './pending.js';
import { showRegistration, startRegistration } from './register-view.js';
import { result } from './result-view.js';
import { showScanner } from './scanner-view.js';
import { takeShareCode } from './settings.js';
import { wordsOf } from './words.js';

async function start(): Promise<void> {
  if ('serviceWorker' in navigator) void navigator.serviceWorker.register('/sw.js').catch(() => {});
  const app = await startApp();

  /** A link, a code, or the text of a push. Rejects for what is none. */
  async function openText(given: string): Promise<void> {
    const text = ownFragment(given) ?? given;
    const [, code] = /^join=(.*)$/.exec(text) ?? [];
    if (code !== undefined) return join(code);
    const challenge = await app.approver.view(text);
    if (challenge.kind === 'register') return showRegistration(challenge, text);
    if (await wasAnswered(challenge.id))
      return result(
        'over',
        'Answered already',
        'This login was answered in this browser. Begin again at the service.',
      );
    showLogin(challenge, text);
  }

  async function join(code: string): Promise<void> {
    if ((await app.approver.device.passkeys()).length > 0)
      return result(
        'bad',
        'Not added',
        'This device has keys of its own already: their shares would be lost.',
      );
    // A link of anybody can lead here: the user says whose code it is.
    element('take-no').onclick = home;
    element('take-yes').onclick = () => void take(code);
    show('take');
  }

  async function take(code: string): Promise<void> {
    if (!(await takeShareCode(code, app.key)))
      return result('bad', 'Not added', 'The code is not whole. Scan it again.');
    await app.renew();
    result(
      'good',
      'Share stores opened',
      'Now let each service register this device: log in there, and choose to add a device.',
    );
  }

  const tried = (text: string) =>
    openText(text).catch((error: unknown) => result('bad', 'This cannot be opened', wordsOf(error)));
  const home = startHome(app, { openText, scan: () => void showScanner(tried, home) });
  startLogin(app, home);
  startRegistration(app, home);
  element('done').onclick = home;

  /** Links of this page carry what they open behind `#`, which no server is sent. */
  async function openFragment(): Promise<void> {
    const { hash } = location;
    history.replaceState(undefined, '', '/'); // first: what cannot be opened must not stand in the way of a reload
    closeLogin();
    const text = decoded(hash.slice(1));
    if (text === '') return home();
    await tried(text);
  }
  addEventListener('hashchange', () => {
    if (location.hash.length > 1) void openFragment();
  });
  // A notification was clicked, and this page is the one that is open.
  navigator.serviceWorker?.addEventListener('message', ({ data }: MessageEvent<string>) => {
    if (data) void tried(data);
  });
  await openFragment();
}

/** The fragment of a link to this page; `undefined` for anything else. */
function ownFragment(text: string): string | undefined {
  if (!text.startsWith(`${location.origin}/#`)) return undefined;
  return decoded(new URL(text).hash.slice(1));
}

/** As it was before it was put behind `#`; what is not encoded well stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

start().catch((error: unknown) => {
  line('off', 'Not ready');
  result('bad', 'This page cannot start', wordsOf(error));
  element('done').textContent = 'Reload';
  element('done').onclick = () => location.reload();
  show('result');
});
