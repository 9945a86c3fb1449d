import type { ServerResponse } from 'node:http';
import type { DirectMessage } from '../announce/direct.js';
import type { X0xNode } from '../node.js';

/** So that a proxy or a reader sees that it is still there, in ms. */
const PING_MS = 15_000;

/** Where direct messages are read as they come. */
export const EVENTS_PATH = '/direct/events';

/** Server-sent events, one `direct_message` for each, until the reader goes. */
export function streamMessages(node: X0xNode, res: ServerResponse): void {
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  res.write(': direct messages\n\n');
  const stop = node.onDirect((message) => {
    res.write(`event: direct_message\ndata: ${JSON.stringify(shown(message))}\n\n`);
  });
  const ping = setInterval(() => res.write(': ping\n\n'), PING_MS);
  ping.unref();
  res.once('close', () => {
    stop();
    clearInterval(ping);
  });
}

const shown = ({ agentId, machineId, payload, decision, timestamp, messageId }: DirectMessage) => ({
  sender: agentId,
  machine_id: machineId,
  payload: Buffer.from(payload).toString('base64'),
  received_at: timestamp,
  verified: true,
  trust_decision: inWords(decision),
  message_id: messageId,
});

/** `accept_with_flag`: as x0x spells decisions in events. */
const inWords = (decision: string): string =>
  decision.replace(/\B[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
