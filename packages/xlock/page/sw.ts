// The service worker: keeps the page for when there is no line, and shows pushes that come while it is closed.
import { keepPending } from './pending.js';

/** What the server puts in front of this file. */
declare const XLOCK_SHELL: { readonly version: string; readonly files: readonly string[] };

interface WorkerEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchEvent extends WorkerEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface WorkerScope {
  readonly registration: ServiceWorkerRegistration;
  readonly location: Location;
  readonly clients: {
    matchAll(
      options: object,
    ): Promise<readonly { focus(): Promise<unknown>; postMessage(text: string): void }[]>;
    openWindow(url: string): Promise<unknown>;
    claim(): Promise<void>;
  };
  skipWaiting(): Promise<void>;
  addEventListener(type: string, listener: (event: never) => void): void;
}
const worker = globalThis as unknown as WorkerScope;
const CACHE = `xlock-${XLOCK_SHELL.version}`;

worker.addEventListener('install', (event: WorkerEvent) => {
  const fill = async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll(XLOCK_SHELL.files.map((file) => new Request(file, { cache: 'reload' })));
    await worker.skipWaiting();
  };
  event.waitUntil(fill());
});

worker.addEventListener('activate', (event: WorkerEvent) => {
  const clean = async () => {
    for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
    await worker.clients.claim();
  };
  event.waitUntil(clean());
});

worker.addEventListener('fetch', (event: FetchEvent) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== worker.location.origin) return;
  const path = request.mode === 'navigate' ? '/' : url.pathname;
  if (XLOCK_SHELL.files.includes(path)) event.respondWith(answer(path, request));
});

/** Of this version, from the cache; the settings from the server, if there is a line. */
async function answer(path: string, request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(path);
  if (path !== '/config.json') return kept ?? fetch(request);
  try {
    const fresh = await fetch(request);
    if (fresh.ok) await cache.put(path, fresh.clone());
    return fresh;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

worker.addEventListener('push', (event: WorkerEvent & { readonly data?: { text(): string } }) => {
  const show = async () => {
    const text = event.data?.text() ?? '';
    const kept = await keepPending(text);
    // Browsers want something to be shown for each push. What it says is checked when the page opens.
    await worker.registration.showNotification(
      kept ? `Log in at ${new URL(kept.origin).host}?` : 'A login was asked for',
      {
        body: kept ? 'Open to see who asks. If it is not you, deny it.' : 'It is over, or was seen already.',
        tag: kept?.id ?? 'over',
        icon: '/icon-192.png',
        badge: '/icon-192.png',
        data: kept?.text ?? '',
        requireInteraction: kept !== undefined,
      },
    );
  };
  event.waitUntil(show());
});

worker.addEventListener(
  'notificationclick',
  (event: WorkerEvent & { readonly notification: Notification }) => {
    const { notification } = event;
    notification.close();
    const text = String(notification.data);
    const open = async () => {
      const [page] = await worker.clients.matchAll({ type: 'window' });
      if (!page) return worker.clients.openWindow(`/#${text}`);
      page.postMessage(text);
      return page.focus().catch(() => {}); // where the browser lets it not come to the front
    };
    event.waitUntil(open());
  },
);
