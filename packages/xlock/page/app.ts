import type { ApprovalPageConfig } from '../src/page/page-config.js';
import { type Approver, approverOf } from './approver.js';
import { type DeviceKey, deviceKey } from './device-key.js';
import { line } from './dom.js';
import { keepPending } from './pending.js';
import type { RelayEnd } from './relay.js';
import { pageConfig } from './settings.js';
import { isAllowed, subscribe } from './web-push.js';

/** What the views work with. */
export interface App {
  readonly config: ApprovalPageConfig;
  readonly key: DeviceKey;
  approver: Approver;
  /** After the name or the code of the stores changed. */
  renew(): Promise<void>;
  /** After a passkey was made: its service is heard, and told where to push. */
  reached(): Promise<void>;
}

/** Reads what this browser keeps, and makes the rest. */
export async function startApp(): Promise<App> {
  const config = await pageConfig();
  const key = await deviceKey();
  let relay: Promise<RelayEnd> | undefined;
  const relayEnd = () => {
    relay ??= import('./relay.js').then((module) => module.relayEnd(key, config.relay!, () => showLine()));
    return relay;
  };
  const keys = config.relay ? async () => (await relayEnd()).keys() : undefined;
  const app: App = {
    config,
    key,
    approver: await approverOf(config, key, keys),
    async renew() {
      app.approver = await approverOf(config, key, keys);
    },
    async reached() {
      if (await counted()) showLine();
      if (config.relay && holdsRelay) await listen();
      if (config.webPush && isAllowed()) await subscribe(config.webPush, key);
    },
  };
  let holdsRelay = false;
  let isListening = false;
  let hasAccounts = false;
  const counted = async () => {
    hasAccounts = (await app.approver.device.passkeys()).length > 0;
    return hasAccounts;
  };
  const showLine = () => {
    if (!navigator.onLine) line('off', 'No connection');
    else if (!hasAccounts) line('wait', 'No account yet');
    else if (!config.relay) line('live', 'Ready');
    else if (isListening) line('live', 'Waiting for logins');
    else line('wait', 'Ready');
  };
  const listen = async () => {
    const { device } = app.approver;
    if (!(await counted())) return showLine();
    await (await relayEnd()).listen(device, (text) => void keepPending(text));
    isListening = true;
    showLine();
  };
  addEventListener('online', showLine);
  addEventListener('offline', showLine);
  await counted();
  showLine();
  // One tab takes what the relay has; the others see it in the list.
  if (config.relay)
    void navigator.locks.request('xlock-relay', async () => {
      holdsRelay = true;
      await listen().catch(showLine);
      await new Promise(() => {});
    });
  return app;
}
