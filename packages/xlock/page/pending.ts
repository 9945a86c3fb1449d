import { type Pending, pushed } from './pushed.js';
import { read, readAll, remove, write } from './storage.js';

/** Tells the other tabs, and the page from its service worker, that the list changed. */
export const news = new BroadcastChannel('xlock-pending');

/** Keeps what was pushed; `undefined` for what is no login, or is known already. */
export async function keepPending(text: string): Promise<ReturnType<typeof pushed>> {
  const login = pushed(text);
  if (!login || (await read<Pending>('pending', login.id))) return undefined;
  const { id, respondBy } = login;
  await write('pending', id, { id, text, respondBy } satisfies Pending);
  news.postMessage('pending');
  return login;
}

/** Those whose time is not up; the others are removed. */
export async function pendingLogins(): Promise<Pending[]> {
  const all = await readAll<Pending>('pending');
  const now = Date.now();
  for (const { id, respondBy } of all) if (respondBy <= now) await remove('pending', id);
  return all
    .filter(({ respondBy, isAnswered }) => respondBy > now && !isAnswered)
    .sort((a, b) => b.respondBy - a.respondBy);
}

/** Whether this browser answered a login already. */
export const wasAnswered = async (id: string): Promise<boolean> =>
  (await read<Pending>('pending', id))?.isAnswered === true;

/** It was answered, or is over. */
export async function forgetPending({ id, respondBy }: Pick<Pending, 'id' | 'respondBy'>): Promise<void> {
  await write('pending', id, { id, respondBy, text: '', isAnswered: true });
  news.postMessage('pending');
}
