import { MeshError } from '../../errors/mesh-error.js';
import { concat, u32, u64, utf8 } from '../../util/bytes.js';
import { type ChannelParts, NoiseChannelBase } from '../channel-base.js';
import { TAG_LENGTH } from '../cipher.js';
import { RECORD, record } from '../record.js';
import { ReceivingKeys, SendingKeys } from './epoch-keys.js';
import { DATA_HEADER, MAX_DATAGRAM, TYPE } from './packet.js';
import { ReplayWindow } from './window.js';

/** Longest message over UDP, in bytes. */
export const MAX_UDP_MESSAGE = MAX_DATAGRAM - DATA_HEADER - TAG_LENGTH - 1;
/** Forgeries after which a key must not be used any more (RFC 9147, 4.5.3). */
const MAX_FORGERIES = 2 ** 36;
const ALIVE_PER_SILENCE = 6;

/** What the endpoint does for a channel. */
export interface UdpLink {
  /** Index that the other side chose. */
  readonly receiver: number;
  /** Sends a datagram to the other side. */
  send(packet: Uint8Array): Promise<void>;
  /** Forgets the channel. */
  release(): void;
  /** Without a word of the other side the channel ends after this time, in ms. */
  readonly silenceMs: number;
}

/** A Noise channel over UDP: messages may be lost or overtaken, and none is handed out twice. */
export class UdpChannel extends NoiseChannelBase {
  readonly #link: UdpLink;
  readonly #keys: { readonly sending: SendingKeys; readonly receiving: ReceivingKeys };
  readonly #window = new ReplayWindow();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #accepted: () => void;
  #sent = 0;
  #forgeries = 0;
  #rekeyedAt: number;
  #sentAt: number;
  #heardAt: number;

  /** `accepted`: called when the responder says that it takes this identity. */
  constructor(parts: ChannelParts, link: UdpLink, accepted: () => void = () => {}) {
    super(parts);
    this.#link = link;
    this.#accepted = accepted;
    const { sending, receiving } = parts.proven;
    this.#keys = { sending: new SendingKeys(sending), receiving: new ReceivingKeys(receiving) };
    this.#rekeyedAt = this.#sentAt = this.#heardAt = parts.clock();
    this.#timer = setInterval(() => this.#look(), Math.max(1, link.silenceMs / ALIVE_PER_SILENCE));
    this.#timer.unref();
  }

  async send(data: Uint8Array): Promise<void> {
    this.assertOpen();
    if (data.length > MAX_UDP_MESSAGE)
      throw new MeshError('NOISE_LIMIT:SIZE', {
        field: 'data',
        hint: `It has ${data.length} bytes; over UDP at most ${MAX_UDP_MESSAGE} are sent.`,
      });
    await this.#write(RECORD.data, data);
  }

  /** Tells the initiator that its identity was accepted; once more where that was lost. */
  ready(): Promise<void> {
    return this.#write(RECORD.ready, new Uint8Array());
  }

  /** Takes a datagram of type `data`. What is not good is dropped and told of: anybody can send it. */
  take(packet: Buffer): void {
    if (this.isClosed || packet.length <= DATA_HEADER) return;
    const high = packet.readUInt32BE(5);
    const n = high * 0x1_0000_0000 + packet.readUInt32BE(9);
    try {
      if (high >= 2 ** 21) throw new MeshError('NOISE_DECRYPT_FAILED', { field: 'number' });
      if (!this.#window.isNew(n)) throw new MeshError('NOISE_REPLAY');
      const plaintext = this.#keys.receiving.decrypt(n, packet.subarray(DATA_HEADER));
      this.#window.mark(n);
      this.#heardAt = this.parts.clock();
      this.#handle(plaintext[0], plaintext.subarray(1));
    } catch (error) {
      this.parts.onFault(error);
      if (++this.#forgeries >= MAX_FORGERIES) this.fail(new MeshError('NOISE_LIMIT:MESSAGES'));
    }
  }

  protected async sayGoodbye(reason: string): Promise<void> {
    await this.#write(RECORD.close, utf8(reason).subarray(0, 256)).catch(this.parts.onFault);
  }

  protected release(): void {
    clearInterval(this.#timer);
    this.#link.release();
  }

  #handle(type: number | undefined, data: Uint8Array): void {
    if (type === RECORD.data) {
      if (this.inbox.isFull) throw new MeshError('NOISE_LIMIT:BUFFER');
      this.inbox.push(data);
    } else if (type === RECORD.ready) this.#accepted();
    else if (type === RECORD.close) {
      const reason = new TextDecoder().decode(data);
      this.finish({ by: 'peer', ...(reason ? { reason } : {}) });
    } else if (type !== RECORD.alive) throw new MeshError('NOISE_DECRYPT_FAILED', { field: 'type' });
  }

  async #write(type: number, data: Uint8Array): Promise<void> {
    const { limits, clock } = this.parts;
    const { sending } = this.#keys;
    if (++this.#sent > limits.maxMessages) {
      const error = new MeshError('NOISE_LIMIT:MESSAGES', { field: 'maxMessages' });
      this.fail(error);
      throw error;
    }
    const now = clock();
    if (sending.used >= limits.rekeyMessages || now - this.#rekeyedAt >= limits.rekeyMs) {
      sending.skip();
      this.#rekeyedAt = now;
    }
    this.#sentAt = now;
    const { n, ciphertext } = sending.encrypt(record(type, data));
    await this.#link.send(concat(Uint8Array.of(TYPE.data), u32(this.#link.receiver), u64(n), ciphertext));
  }

  /** Says that this side is there, and ends the channel where the other one does not. */
  #look(): void {
    const now = this.parts.clock();
    const { silenceMs } = this.#link;
    if (now - this.#heardAt >= silenceMs)
      this.finish({
        by: 'error',
        error: new MeshError('CHANNEL_CLOSED', { hint: 'The other side is silent.' }),
      });
    else if (now - this.#sentAt >= silenceMs / ALIVE_PER_SILENCE)
      this.#write(RECORD.alive, new Uint8Array()).catch(this.parts.onFault);
  }
}
