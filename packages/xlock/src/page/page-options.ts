import { isOrigin } from '../challenge/challenge.js';
import { isSafeUrl } from '../stores/exchange.js';
import { fromBase64url } from '../util/bytes.js';
import { checkNames, checkValue, invalidOption } from '../util/options.js';
import type { ApprovalPageConfig } from './page-config.js';

/** Options of {@link approvalPage}. */
export interface ApprovalPageOptions {
  /**
   * Where the page is, as browsers write it, such as `https://approve.acme.com`: an origin of its own, with nothing else on it but the relay, since
   * every script of an origin could use its keys. https; http for this machine only.
   */
  readonly origin: string;
  /** Origins of the services that may be approved for. The browser lets the page talk to no other. `any`: all of https. */
  readonly services: readonly string[] | 'any';
  /**
   * Share stores beside the browser's own, 1 to 8 URLs of {@link shareStore} or what answers alike, each with another operator: any two shares make
   * a key. With two or more, a passkey outlives the browser, and further devices can be added.
   */
  readonly stores: readonly string[];
  /**
   * The relay that the services push over. `url`: best the origin of the page itself, whose server also has the handlers of `createRelay`; another one
   * must let the page in by CORS. `did`: default, the one that it shows at its address. Default none: links, codes and Web Push only.
   */
  readonly relay?: { readonly url: string; readonly did?: string };
  /** Key of {@link webPush} of the services, and the path of its handler below their origins (default `/xlock/push`). Default: no Web Push. */
  readonly webPush?: { readonly publicKey: string; readonly path?: string };
}

/** The settings of the page. Throws `INVALID_OPTION`. */
export function pageConfigOf(options: ApprovalPageOptions): ApprovalPageConfig {
  const OWNER = 'approvalPage';
  checkNames(OWNER, options, ['origin', 'services', 'stores', 'relay', 'webPush']);
  const { origin, services, stores, relay, webPush } = options;
  if (!isOrigin(origin))
    throw invalidOption(
      'origin',
      `${OWNER}: origin must be one as browsers write it, such as https://approve.acme.com.`,
    );
  const isList = Array.isArray(services) && services.length > 0 && services.every(isOrigin);
  if (services !== 'any' && !isList)
    throw invalidOption('services', `${OWNER}: services must be origins such as https://acme.com, or 'any'.`);
  if (services.includes(origin))
    throw invalidOption('services', `${OWNER}: the page must have another origin than the services.`);
  const isStore = (url: unknown) => isSafeUrl(url) && !/[?#]/.test(url as string);
  if (!Array.isArray(stores) || stores.length < 1 || stores.length > 8 || !stores.every(isStore))
    throw invalidOption('stores', `${OWNER}: stores must be 1 to 8 URLs, https, or http of this machine.`);
  if (new Set(stores).size < stores.length)
    throw invalidOption('stores', `${OWNER}: two stores are the same: one thief would have two shares.`);
  checkValue(OWNER, 'relay', relay, (value) => isSafeUrl(Object(value).url), '{ url } of a relay');
  checkValue(
    OWNER,
    'webPush',
    webPush,
    (value) =>
      fromBase64url(Object(value).publicKey, 65) !== undefined &&
      /^\/[\w./-]*$/.test(Object(value).path ?? '/'),
    '{ publicKey } of vapidKeys(), and a path',
  );
  return {
    services: services === 'any' ? services : [...services],
    stores: [...stores],
    ...(relay ? { relay: { ...relay } } : {}),
    ...(webPush ? { webPush: { path: '/xlock/push', ...webPush } } : {}),
  };
}
