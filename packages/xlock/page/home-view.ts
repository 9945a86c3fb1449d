import type { App } from './app.js';
import { busy, element, made, say, show, shown } from './dom.js';
import { news, pendingLogins } from './pending.js';
import type { Pending } from './pushed.js';
import { deviceName, renameDevice, shareCode } from './settings.js';
import { canSubscribe, isAllowed, subscribe } from './web-push.js';
import { minutes, wordsOf } from './words.js';

/** What the home view starts. */
export interface HomeActions {
  readonly openText: (text: string) => Promise<void>;
  readonly scan: () => void;
}

/** Connects the view; returns what shows it. */
export function startHome(app: App, { openText, scan }: HomeActions): () => void {
  const { config, key } = app;
  const name = element<HTMLInputElement>('name');
  const link = element<HTMLInputElement>('link');
  element('did').textContent = key.did;
  element('locked').textContent = key.isLocked
    ? 'The key of this device cannot be read, not even by this page. Services know it by:'
    : 'This browser has no Ed25519 of its own: the key of this device lies encrypted here. Services know it by:';
  element('scan').onclick = scan;
  element<HTMLFormElement>('open').onsubmit = (event) => {
    event.preventDefault();
    const problem = element('open-problem');
    problem.textContent = '';
    openText(link.value.trim()).then(
      () => {
        link.value = '';
      },
      (error: unknown) => {
        problem.textContent = wordsOf(error);
      },
    );
  };
  element<HTMLFormElement>('rename').onsubmit = (event) => {
    event.preventDefault();
    void renameDevice(name.value.trim())
      .then(() => app.renew())
      .then(() => say('The name is kept.'));
  };
  element('add').onclick = () => void showJoin();
  element('join-done').onclick = home;
  startNotifications(app);
  news.onmessage = () => void list();
  setInterval(() => {
    if (shown() === 'home') void list();
  }, 1000);

  let known = new Set<string>();
  async function list(): Promise<void> {
    const logins = await pendingLogins();
    const fresh = logins.filter(({ id }) => !known.has(id));
    known = new Set(logins.map(({ id }) => id));
    if (shown() !== 'home') return;
    element('none').hidden = logins.length > 0;
    element('scan').classList.toggle('main', logins.length === 0); // one thing to do at a time
    await showPending(logins);
    if (fresh.length > 0) say('A login waits to be approved.');
  }

  async function showPending(logins: readonly Pending[]): Promise<void> {
    const place = element('pending');
    const ids = logins.map(({ id }) => id).join(' ');
    if (place.dataset['ids'] !== ids) {
      const cards = await Promise.all(logins.map(card));
      place.replaceChildren(...cards.flatMap((one) => one ?? []));
      place.dataset['ids'] = ids;
    }
    for (const left of place.querySelectorAll<HTMLElement>('[data-until]'))
      left.textContent = `${minutes(Number(left.dataset['until']) - Date.now())} left`;
  }

  async function card({ text, respondBy }: Pending): Promise<HTMLElement | undefined> {
    try {
      const { origin, action, userId } = await app.approver.view(text);
      const review = made('button', 'Look at it', { type: 'button', className: 'main' });
      review.setAttribute('aria-label', `Look at the login at ${new URL(origin).host}`);
      review.onclick = () => void openText(text).catch((error: unknown) => say(wordsOf(error)));
      const left = made('span', '', { className: 'quiet' });
      left.dataset['until'] = String(respondBy);
      const li = made('li', '', { className: 'asks-now' });
      const what = made('div', userId === '' ? action : `${action}, as ${userId}`);
      li.append(made('strong', new URL(origin).host), what, left, made('br'), review);
      return li;
    } catch {
      return undefined; // not for this device
    }
  }

  async function accounts(): Promise<void> {
    const all = await app.approver.device.passkeys();
    element('no-accounts').hidden = all.length > 0;
    element('none').textContent = isPushed(all.length)
      ? 'None. A login that a service pushes appears here; for any other, scan the code on its page.'
      : 'None. Scan the code on a login page, or open its link here.';
    element('accounts').replaceChildren(
      ...all.map(({ service, userId }) => {
        const li = made('li');
        li.append(made('strong', new URL(service).host), made('span', userId, { className: 'quiet' }));
        return li;
      }),
    );
  }

  /** Whether anything comes here by itself. */
  const isPushed = (count: number) =>
    count > 0 && (config.relay !== undefined || (config.webPush !== undefined && isAllowed()));

  async function showJoin(): Promise<void> {
    const target = `${location.origin}/#join=${await shareCode(key)}`;
    const { drawCode } = await import('./draw-code.js');
    drawCode(element<HTMLCanvasElement>('join-code'), target);
    element('join-link').textContent = target;
    show('join');
  }

  function home(): void {
    const place = element('pending');
    place.dataset['ids'] = '-';
    place.replaceChildren(); // what was answered meanwhile is not shown for a moment
    element('open-problem').textContent = '';
    show('home');
    void list();
    void accounts();
    void deviceName().then((text) => {
      name.value = text;
    });
    element('add').hidden = config.stores.length < 2;
  }
  return home;
}

function startNotifications({ config, key }: App): void {
  const settings = config.webPush;
  if (!settings || !canSubscribe()) return;
  const [button, text] = [element<HTMLButtonElement>('notify'), element('notify-text')];
  element('notify-part').hidden = false;
  const isOn = (failed: readonly string[] = []) => {
    button.hidden = failed.length === 0;
    text.textContent =
      failed.length === 0
        ? 'Notifications are on: you are told of logins while this page is closed.'
        : `Not taken by ${failed.join(', ')}: try again later.`;
  };
  if (isAllowed()) isOn();
  button.onclick = () =>
    void busy(button, async () => {
      try {
        if ((await Notification.requestPermission()) !== 'granted') {
          text.textContent = 'The browser does not allow it. Change that in the settings of this page.';
          return;
        }
        isOn(await subscribe(settings, key));
      } catch {
        text.textContent = 'The browser could not subscribe. Try again later.';
      }
    });
}
