import { GatewayTransport, HttpsTransportAdapter, LoopbackTransport } from '@private.me/xlink';
import { WebSocket } from 'ws';
import { listen } from '../support/listen.js';
import { describeTransport } from './conformance.js';
import { listenerOf, startRelay } from './servers.js';

const backoff = () => 20;

describeTransport('LoopbackTransport', {
  ends: async () => {
    const both = new LoopbackTransport();
    return { sender: both, receiver: both };
  },
  rejection: 'told',
  isLocal: true,
});

describeTransport('HttpsTransportAdapter', {
  ends: async () => {
    const receiver = new HttpsTransportAdapter({ baseUrl: 'http://localhost' });
    const { url } = await listen(listenerOf(receiver));
    return { sender: new HttpsTransportAdapter({ baseUrl: url, backoff }), receiver };
  },
  rejection: 'told',
});

for (const [way, webSocket] of [
  ['long poll', undefined],
  ['WebSocket', WebSocket],
] as const)
  describeTransport(`GatewayTransport by ${way}`, {
    ends: async () => {
      const { url: relayUrl } = await startRelay();
      const options = { relayUrl, backoff, waitMs: 2000, ...(webSocket ? { webSocket } : {}) };
      return { sender: new GatewayTransport(options), receiver: new GatewayTransport(options) };
    },
    rejection: 'again',
  });
