import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressOf } from '@private.me/xlink/http-api';
import { approvalPage } from '../page/approval-page.js';
import { shareStore } from '../page/share-store.js';
import { checkNames } from '../util/options.js';
import type { XlockStorage } from './storage.js';

/** The approval page of {@link XlockServer}. */
export interface XlockPageOptions {
  /** Where it is, as browsers write it: another host name than that of the server, which leads to the server, too. Nothing else is served there. */
  readonly origin: string;
  /**
   * Share stores beside the browser's own, as of {@link approvalPage}, each with another operator. Default: `/shares` of the page, kept by this server; a passkey
   * then ends with the data of the browser.
   */
  readonly stores?: readonly string[];
}

const SHARES = '/shares';

/** Answers what is asked of the host of the page; whether it was. Throws `INVALID_OPTION`. */
export function servedPage(
  options: XlockPageOptions,
  {
    origin,
    storage,
    addressOf,
  }: { readonly origin: string; readonly storage: XlockStorage; readonly addressOf: AddressOf },
): (req: IncomingMessage, res: ServerResponse) => boolean {
  checkNames('XlockServer page', options, ['origin', 'stores']);
  const { stores = [`${options.origin}${SHARES}`] } = options;
  const page = approvalPage({ origin: options.origin, services: [origin], stores });
  const own = shareStore({ store: storage.documents, limits: storage.limits, path: SHARES, addressOf });
  const { host } = new URL(options.origin);
  return (req, res) => {
    if (req.headers.host !== host) return false;
    if (options.stores) page(req, res);
    else own(req, res, () => page(req, res));
    return true;
  };
}
