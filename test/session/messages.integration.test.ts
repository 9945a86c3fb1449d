import { describe, expect, test } from '@jest/globals';
import { senderTo, serveInbox } from './message-support.js';

describe('messages in a session', () => {
  test('the first one brings the offer, the second opens the session, and the rest go through it', async () => {
    const inbox = await serveInbox();
    const sender = await senderTo(inbox);
    for (let n = 0; n < 4; n++) await sender.sent({ n });
    expect(inbox.forms()).toEqual(['envelope', 'handshake', 'session', 'session', 'session']);
    expect(inbox.messages.map(({ payload }) => payload)).toEqual([0, 1, 2, 3].map((n) => ({ n })));
  });
});
