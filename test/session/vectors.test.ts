import { describe, expect, test } from '@jest/globals';
import { Agent } from '@private.me/xlink';
import { openReply } from '../../src/client/sessions/open-reply.js';
import { concat } from '../../src/crypto/bytes.js';
import type { CryptoProvider } from '../../src/crypto/provider.js';
import { encodeFrames } from '../../src/http/answer-frames.js';
import { Identity } from '../../src/identity/identity.js';
import { encodeCredential } from '../../src/session/credential.js';
import { acceptOffer } from '../../src/session/handshake/accept.js';
import { makeOffer } from '../../src/session/handshake/offer.js';
import { offerPayload, readGrant } from '../../src/session/handshake/payloads.js';
import { openRequest } from '../../src/session/open-request.js';
import { decodeCredential } from '../../src/session/read-credential.js';
import { requestDigest } from '../../src/session/request.js';
import { type Session, sessionMaster, sessionOf } from '../../src/session/schedule/master.js';
import { sealReply } from '../../src/session/seal-reply.js';
import { MemorySequenceStore } from '../../src/session/sequence/memory.js';
import { Sessions } from '../../src/session/sessions.js';
import { decodeState } from '../../src/session/ticket/layout.js';
import { openTicket, sealTicket, ticketKey } from '../../src/session/ticket/ticket.js';
import type { AgentMessage } from '../../src/types/protocol.js';
import { load, outcome, providers, scripted } from '../vectors/load.js';
import { type Hex, hex, toHex } from '../vectors/replay.mjs';

interface Parties {
  readonly from: string;
  readonly to: string;
  readonly sid: Hex;
}

interface Grant {
  readonly sid: Hex;
  readonly x25519: Hex;
  readonly kemCiphertext: Hex;
  readonly offerHash: Hex;
}

interface HandshakeFile extends Parties {
  readonly offerTranscript: Hex;
  readonly callerX25519Secret: Hex;
  readonly callerMlKemSeed: Hex;
  readonly serviceX25519Secret: Hex;
  readonly kemCoins: Hex;
  readonly steps: Readonly<Record<string, Hex>>;
  readonly grant: Grant;
  readonly badGrants: readonly { readonly name: string; readonly error: string; readonly grant: Grant }[];
  readonly otherKeys: readonly { readonly name: string; readonly grant: Grant }[];
  readonly ticketSecret: Hex;
  readonly ticketKeyId: Hex;
  readonly ticketSalt: Hex;
  readonly ticketState: Hex;
  readonly ticket: Hex;
  readonly now: number;
  readonly serviceSeed: Hex;
  readonly badTickets: readonly { readonly name: string; readonly error: string; readonly ticket: Hex }[];
}

interface Tie {
  readonly digest: Hex;
  readonly tag: Hex;
}

interface GoodRequest {
  readonly name: string;
  readonly seq: number;
  readonly salt: Hex;
  readonly timestamp: number;
  readonly scope: string;
  readonly request: string;
  readonly contentType: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly content: Hex;
  readonly contentLengths: readonly number[];
  readonly credential: string;
  readonly body: Hex;
  readonly tie: Tie;
  readonly steps: Readonly<Record<string, Hex>>;
}

interface BadRequest {
  readonly name: string;
  readonly error: string;
  readonly request: string;
  readonly credential: string;
  readonly body: Hex;
}

interface Keys extends Parties {
  readonly requestKey: Hex;
  readonly answerKey: Hex;
}

interface RequestFile extends Keys {
  readonly ticket: Hex;
  readonly good: readonly GoodRequest[];
  readonly bad: readonly BadRequest[];
}

interface GoodReply {
  readonly name: string;
  readonly kind: 'answer' | 'refusal';
  readonly salt: Hex;
  readonly status: number;
  readonly contentType: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly content: Hex;
  readonly contentLengths: readonly number[];
  readonly body: Hex;
}

interface ReplyFile extends Keys {
  readonly tie: Tie;
  readonly good: readonly GoodReply[];
  readonly bad: readonly { readonly name: string; readonly error: string; readonly body: Hex }[];
  readonly broken: ReplyFile['bad'];
}

const shaken = load<HandshakeFile>('session/handshake.json');
const requests = load<RequestFile>('session/requests.json');
const messages = load<RequestFile>('session/messages.json');
const replies = load<ReplyFile>('session/replies.json');

const kindOf = (file: RequestFile) => (file === messages ? 'message' : 'request');

const partiesOf = ({ from, to, sid }: Parties) => ({ from, to, sid: hex(sid) });
const grantOf = ({ sid, x25519, kemCiphertext, offerHash }: Grant) => ({
  sid: hex(sid),
  x25519: hex(x25519),
  kemCiphertext: hex(kemCiphertext),
  offerHash: hex(offerHash),
  ticket: hex(shaken.ticket),
  lifetimeMs: 600_000,
  never: [],
});

/** The session of a file, whose keys are those of the handshake. */
const sessionIn = (crypto: CryptoProvider, file: Parties): Promise<Session> =>
  sessionOf(crypto, partiesOf(file), hex(shaken.steps['master']!));

const tieOf = ({ digest, tag }: Tie) => ({ digest: hex(digest), tag: hex(tag) });

const keyOf = async ({ keys }: Session): Promise<Hex> => toHex(await keys.request.tag(hex('00')));

describe.each(providers)('sessions, %s', (_, crypto) => {
  test('the key schedule gives the same bytes at every step', async () => {
    const { steps } = shaken;
    const master = await sessionMaster(crypto, partiesOf(shaken), {
      offerTranscript: hex(shaken.offerTranscript),
      kemSecret: hex(steps['kemSecret']!),
      kemCiphertext: hex(steps['kemCiphertext']!),
      x25519Secret: hex(steps['x25519Secret']!),
      callerX25519: hex(steps['callerX25519']!),
      serviceX25519: hex(steps['serviceX25519']!),
      callerMlKem768: hex(steps['callerMlKem768']!),
    });
    expect(toHex(master)).toBe(steps['master']);
    const { keys } = await sessionOf(crypto, partiesOf(shaken), master);
    const tagOf = async (key: Hex) => toHex(await crypto.hmac(hex(key)).tag(hex('00')));
    expect(toHex(await keys.request.tag(hex('00')))).toBe(await tagOf(steps['requestKey']!));
    expect(toHex(await keys.answer.tag(hex('00')))).toBe(await tagOf(steps['answerKey']!));
  });

  test('the ticket', async () => {
    const key = await ticketKey(crypto, hex(shaken.ticketSecret));
    expect(toHex(key.id)).toBe(shaken.ticketKeyId);
    expect(await openTicket(crypto, key, hex(shaken.ticket))).toEqual(decodeState(hex(shaken.ticketState)));
  });

  const good = [requests, messages].flatMap((file) =>
    file.good.map((one) => [kindOf(file), one.name, one, file] as const),
  );
  test.each(good)('%s: %s', async (kind, _name, good, file) => {
    const credential = decodeCredential(good.credential);
    expect(encodeCredential(credential)).toBe(good.credential);
    expect(toHex(credential.ticket)).toBe(file.ticket);
    const { seq, timestamp, scope } = credential;
    expect([seq, toHex(credential.salt), timestamp, scope]).toEqual([
      good.seq,
      good.salt,
      good.timestamp,
      good.scope,
    ]);
    const session = await sessionIn(crypto, file);
    const digest = await requestDigest(crypto, session, credential, good.request, kind);
    expect(toHex(digest)).toBe(good.steps['digest']);
    const opened = await openRequest(crypto, session, digest, credential, hex(good.body), kind);
    expect(toHex(opened.content.bytes)).toBe(good.content);
    expect(opened.content.contentType).toBe(good.contentType);
    expect(opened.content.headers).toEqual(good.headers);
    expect({ digest: toHex(digest), tag: toHex(opened.tag) }).toEqual(good.tie);
  });

  const bad = [requests, messages].flatMap((file) =>
    file.bad.map((one) => [kindOf(file), one.name, one, file] as const),
  );
  test.each(bad)('no %s: %s', async (kind, _name, bad, file) => {
    const session = await sessionIn(crypto, file);
    const error = await outcome(async () => {
      const credential = decodeCredential(bad.credential);
      const digest = await requestDigest(crypto, session, credential, bad.request, kind);
      await openRequest(crypto, session, digest, credential, hex(bad.body), kind);
    });
    expect(error).toBe(bad.error);
  });

  const reply = async (body: Hex) => {
    const session = await sessionIn(crypto, replies);
    const response = new Response(new Uint8Array(hex(body)));
    return openReply(crypto, session, tieOf(replies.tie), response, {
      signal: undefined,
      maxBytes: undefined,
    });
  };

  test.each(replies.good.map((one) => [one.name, one] as const))('reply: %s', async (_name, good) => {
    const { response, kind } = await reply(good.body);
    expect([response.status, kind]).toEqual([good.status, good.kind]);
    expect(response.headers.get('content-type') ?? '').toBe(good.contentType);
    expect(toHex(new Uint8Array(await response.arrayBuffer()))).toBe(good.content);
  });

  test.each(replies.bad.map((one) => [one.name, one] as const))('no reply: %s', async (_name, bad) => {
    expect(await outcome(() => reply(bad.body))).toBe(bad.error);
  });

  test.each(replies.broken.map((one) => [one.name, one] as const))(
    'reply that breaks: %s',
    async (_name, bad) => {
      const { response } = await reply(bad.body);
      expect(await outcome(() => response.arrayBuffer())).toBe(bad.error);
    },
  );
});

describe('sessions are made as the vectors have them', () => {
  const { crypto, queue } = scripted();

  test('offer, grant and ticket', async () => {
    queue.push(hex(shaken.callerX25519Secret), hex(shaken.callerMlKemSeed));
    const pending = await makeOffer(crypto);
    queue.push(hex(shaken.serviceX25519Secret), hex(shaken.kemCoins), hex(shaken.sid));
    const { from, to } = shaken;
    const offered = { from, to, transcript: hex(shaken.offerTranscript) };
    const { master, grant } = await acceptOffer(crypto, pending.offer, offered);
    expect(toHex(master)).toBe(shaken.steps['master']);
    expect(grant).toEqual(expect.objectContaining({ kemCiphertext: hex(shaken.grant.kemCiphertext) }));
    const session = await pending.accept({ ...grantOf(shaken.grant), ...grant }, offered);
    expect(await keyOf(session)).toBe(await keyOf(await sessionIn(crypto, shaken)));
    queue.push(hex(shaken.ticketSalt));
    const key = await ticketKey(crypto, hex(shaken.ticketSecret));
    expect(toHex(await sealTicket(crypto, key, decodeState(hex(shaken.ticketState))!))).toBe(shaken.ticket);
  });

  test.each([...shaken.badGrants, ...shaken.otherKeys].map((one) => [one.name, one] as const))(
    'a grant with %s gives no session, or one that the service does not have',
    async (_name, one) => {
      queue.push(hex(shaken.callerX25519Secret), hex(shaken.callerMlKemSeed));
      const pending = await makeOffer(crypto);
      const { from, to } = shaken;
      const offered = { from, to, transcript: hex(shaken.offerTranscript) };
      const accept = () => pending.accept(grantOf(one.grant), offered);
      if ('error' in one) expect(await outcome(accept)).toBe(one.error);
      else expect(await keyOf(await accept())).not.toBe(await keyOf(await sessionIn(crypto, shaken)));
    },
  );

  test.each(replies.good.map((one) => [one.name, one] as const))('reply: %s', async (_name, good) => {
    const session = await sessionIn(crypto, replies);
    queue.push(hex(good.salt));
    const { status, contentType, headers } = good;
    const seal = sealReply(crypto, session, tieOf(replies.tie), good.kind);
    let at = 0;
    const contents = good.contentLengths.map((length) => hex(good.content).subarray(at, (at += length)));
    const last = contents.length - 1;
    const { head, payload, chunk } = await seal(
      { status, contentType, headers, bytes: contents[0]! },
      last === 0,
    );
    const rest = await Promise.all(contents.slice(1).map((bytes, i) => chunk(bytes, i + 1 === last)));
    const frames = [payload, ...rest].map((bytes, i) => ({ type: i === last ? 3 : 2, bytes }));
    expect(toHex(concat(encodeFrames([head, ...frames])))).toBe(good.body);
  });

  /** The sessions of the service of the vectors, which made the ticket of the vectors just now. */
  async function service() {
    const identity = await Identity.fromSeed(hex(shaken.serviceSeed), { crypto });
    const clock = () => shaken.now;
    const sessions = new Sessions(new Agent({ identity, clock }), {
      clock,
      lifetimeMs: 600_000,
      never: new Set(),
      sequences: new MemorySequenceStore({ clock }),
      tickets: undefined,
    });
    const { steps, from, offerTranscript } = shaken;
    const payload = offerPayload({
      x25519: hex(steps['callerX25519']!),
      mlKem768: hex(steps['callerMlKem768']!),
    });
    queue.push(hex(shaken.ticketSecret), hex(shaken.serviceX25519Secret), hex(shaken.kemCoins));
    queue.push(hex(shaken.sid), hex(shaken.ticketSalt));
    const message = { sender: from, payload, version: 2 } as unknown as AgentMessage;
    const granted = await sessions.grant(message, hex(offerTranscript));
    return { sessions, grant: readGrant(JSON.parse(JSON.stringify(granted.payload)))! };
  }

  const open = async (sessions: Sessions, ticket: Uint8Array) => {
    const [salt, timestamp] = [new Uint8Array(16), shaken.now];
    const text = encodeCredential({ ticket, salt, timestamp, seq: 0, scope: '*' });
    return (await sessions.of(text)).session;
  };

  test('the whole answer of a service', async () => {
    const { sessions, grant } = await service();
    expect(toHex(grant.ticket)).toBe(shaken.ticket);
    const session = await open(sessions, grant.ticket);
    expect(await keyOf(session)).toBe(await keyOf(await sessionIn(crypto, shaken)));
  });

  test.each(shaken.badTickets.map((one) => [one.name, one] as const))('no ticket: %s', async (_name, bad) => {
    const { sessions } = await service();
    expect(await outcome(() => open(sessions, hex(bad.ticket)))).toBe(bad.error);
  });
});
