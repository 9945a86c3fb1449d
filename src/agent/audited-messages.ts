import { evidenceOf } from '../envelope/evidence.js';
import { parseEnvelope } from '../envelope/parse.js';
import { err, type Result } from '../errors/result.js';
import { toXlinkError, type XlinkError, xlinkError } from '../errors/service-errors.js';
import { LoopbackTransport } from '../transport/loopback.js';
import type { AuditEntry, AuditSink } from '../types/audit.js';
import type { SessionWay, Transport } from '../types/ports.js';
import type { AgentMessage, Did, Envelope } from '../types/protocol.js';
import { given } from '../util/given.js';
import { hasMethods } from '../util/options.js';
import type { AgentOptions } from './options.js';
import type { Received, ReceiveRules } from './receive.js';
import type { ReceiveInput } from './receive-input.js';
import { transportsOf } from './security-options.js';
import type { SessionHearing } from './service-agent.js';

/** The options of an agent whose transports write what they send into its audit log. Options that are wrong stay as they are. */
export function withAudit<T extends AgentOptions>(options: T): T {
  const { audit, transport = new LoopbackTransport() } = options ?? {};
  if (hasMethods('append')(audit) !== undefined || !audit) return options;
  const audited = new Map<Transport, Transport>(); // one that is listed twice stays one
  const wrap = (one: Transport): Transport => {
    if (hasMethods('send', 'onReceive', 'dispose')(one) !== undefined) return one;
    const wrapped = audited.get(one) ?? auditedTransport(one, audit);
    audited.set(one, wrapped);
    return wrapped;
  };
  return { ...options, transport: transportsOf(transport).map(wrap) };
}

/** The same transport, which sends nothing before its entry is durable. */
function auditedTransport(inner: Transport, audit: AuditSink): Transport {
  const kept = async (envelope: Envelope) => {
    await audit.append(await entryOf(envelope, { decision: 'sent' }));
    return envelope;
  };
  const send: Transport['send'] = async (envelope, to, again, onReceipt) => {
    try {
      await kept(envelope);
    } catch (thrown) {
      return err(unavailable(thrown));
    }
    return inner.send(envelope, to, again && (async () => kept(await again())), onReceipt);
  };
  return new Proxy(inner, {
    get(target, name) {
      if (name === 'send') return send;
      if (name === 'sessionWay') return target.sessionWay && auditedWay(target.sessionWay, audit, kept);
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** The same in sessions; what takes the place of a message is written down, too. */
const auditedWay = (
  way: SessionWay,
  audit: AuditSink,
  kept: (envelope: Envelope) => Promise<Envelope>,
): SessionWay => ({
  ...way,
  async send(message) {
    const { from, to, scope, request, envelopeId } = message;
    const facts = { from, to, scope, request, envelopeId, evidence: 'session', decision: 'sent' } as const;
    try {
      await audit.append({ type: 'message', ...facts });
    } catch (thrown) {
      return err(unavailable(thrown));
    }
    return way.send({
      ...message,
      instead: async (bound, error) => kept(await message.instead(bound, error)),
      again: async () => kept(await message.again()),
    });
  },
});

/** Writes the messages that an agent receives into its audit log. Requests to an API are a matter of its adapter. */
export class AuditedMessages {
  readonly #audit: AuditSink;

  constructor(audit: AuditSink) {
    this.#audit = audit;
  }

  async receive(
    input: ReceiveInput,
    options: ReceiveRules,
    receive: (options: ReceiveRules) => Promise<Result<Received>>,
  ): Promise<Result<Received>> {
    const { kind, inReplyTo } = options ?? {};
    if ((kind ?? (inReplyTo === undefined ? 'message' : 'answer')) !== 'message') return receive(options);
    const envelope = envelopeIn(input);
    const { handle, onVerified } = options ?? {};
    let isVerified = false;
    const keep = async (message: AgentMessage) =>
      this.#keep(await entryOf(envelope, { ...factsOf(message), decision: 'received' }));
    const received = await receive({
      ...options,
      onVerified(sender, entry) {
        isVerified = true;
        onVerified?.(sender, entry);
      },
      async handle(message) {
        await keep(message);
        await handle?.(message);
      },
    });
    if (!received.ok && isVerified && received.error.code !== 'AUDIT_UNAVAILABLE')
      await this.#refused(envelope, received.error);
    return received;
  }

  /** The same of a message that came in a session, for the agent `to`: the log has nothing to prove it by. */
  async receiveInSession<H extends SessionHearing>(
    to: Did,
    hear: H,
    receive: (hear: H & SessionHearing) => Promise<Received>,
  ): Promise<Received> {
    let said: AuditEntry = { type: 'message', to, evidence: 'session' };
    let isVerified = false;
    try {
      return await receive({
        ...hear,
        onVerified(from, entry) {
          isVerified = true;
          said = { ...said, from };
          hear.onVerified?.(from, entry);
        },
        onClaimed: (claimed) => {
          const { sender: from, recipient = to, scope, envelopeId, request } = claimed;
          said = { ...said, from, to: recipient, scope, envelopeId, ...given({ request }) };
          hear.onClaimed?.(claimed);
        },
        handle: async (message) => {
          await this.#keep({ ...said, decision: 'received' });
          await hear.handle?.(message);
        },
      });
    } catch (thrown) {
      const { code, id: reason } = toXlinkError(thrown);
      const isCopy = reason === 'REPLAY_DETECTED' && said.envelopeId === undefined; // anybody may send copies
      if (isVerified && !isCopy && code !== 'AUDIT_UNAVAILABLE')
        await this.#audit.append({ ...said, decision: 'refused', reason }).catch(() => {});
      throw thrown;
    }
  }

  async #keep(entry: AuditEntry): Promise<void> {
    try {
      await this.#audit.append(entry);
    } catch (thrown) {
      throw unavailable(thrown);
    }
  }

  /** What is refused is refused, also if the log cannot say so. */
  async #refused(envelope: Envelope | undefined, { id }: XlinkError): Promise<void> {
    if (id === 'INSUFFICIENT_SHARES:PENDING') return;
    await this.#audit.append(await entryOf(envelope, { decision: 'refused', reason: id })).catch(() => {});
  }
}

async function entryOf(envelope: Envelope | undefined, more: Partial<AuditEntry>): Promise<AuditEntry> {
  if (!envelope) return { type: 'message', ...more };
  const { from, to, scope, request, nonce } = envelope;
  const facts = { from, to, scope, envelopeId: nonce, ...given({ request }) };
  return { type: 'message', ...facts, evidence: 'signed', ...(await evidenceOf(envelope)), ...more };
}

const factsOf = ({ sender, scope }: AgentMessage) => ({ from: sender, scope });

/** The envelope that is to be received, as evidence; `undefined` if it is none, or several shares. */
function envelopeIn(input: ReceiveInput): Envelope | undefined {
  try {
    const { ok, value } = input as Result<{ envelopes?: readonly Envelope[]; envelope?: Envelope }>;
    return parseEnvelope(ok === true ? (value.envelopes?.[0] ?? value.envelope) : input).fields;
  } catch {
    return undefined; // what is wrong with it is said when it is received
  }
}

function unavailable(thrown: unknown): XlinkError {
  const known = toXlinkError(thrown);
  return known.code === 'AUDIT_UNAVAILABLE' ? known : xlinkError('AUDIT_UNAVAILABLE', { cause: thrown });
}
