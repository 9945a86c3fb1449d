/** An element of the page, which is there. */
export const element = <E extends HTMLElement = HTMLElement>(id: string): E =>
  document.getElementById(id) as E;

/** A new element with this text: nothing that came from outside becomes markup. */
export function made<K extends keyof HTMLElementTagNameMap>(
  name: K,
  text = '',
  members: Partial<HTMLElementTagNameMap[K]> = {},
): HTMLElementTagNameMap[K] {
  return Object.assign(document.createElement(name), { textContent: text, ...members });
}

const VIEWS = ['home', 'scanner', 'login', 'register', 'result', 'join', 'take'] as const;
export type View = (typeof VIEWS)[number];

/** Shows one view, and puts the focus on its heading, where screen readers begin to read. */
export function show(view: View): void {
  for (const name of VIEWS) element(name).hidden = name !== view;
  const title = element(`${view}-title`);
  document.title = view === 'home' ? 'xLock' : `${title.textContent} – xLock`;
  title.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** Which view is shown. */
export const shown = (): View | undefined => VIEWS.find((name) => !element(name).hidden);

/** Has a screen reader say something without moving the focus. */
export function say(text: string): void {
  element('live').textContent = text;
}

/** A list of names and values. */
export function facts(id: string, rows: readonly (readonly [string, string])[]): void {
  element(id).replaceChildren(...rows.flatMap(([name, value]) => [made('dt', name), made('dd', value)]));
}

/** Runs what a click or form starts; its button cannot be pressed again meanwhile. */
export async function busy(button: HTMLButtonElement, work: () => Promise<unknown>): Promise<void> {
  if (button.ariaDisabled === 'true') return;
  button.ariaDisabled = 'true'; // not `disabled`, which would take the focus away
  try {
    await work();
  } finally {
    button.ariaDisabled = null;
  }
}

/** The state of the line to the services, at the top. */
export function line(state: 'wait' | 'live' | 'off', text: string): void {
  const place = element('line');
  if (place.dataset['state'] === state && place.textContent === text) return;
  place.dataset['state'] = state;
  place.textContent = text;
}
