import { MeshError } from '../errors/mesh-error.js';
import { concat, utf8 } from '../util/bytes.js';
import { type ChannelParts, NoiseChannelBase } from './channel-base.js';
import { MAX_MESSAGE, TAG_LENGTH } from './cipher.js';
import { MAX_UNDER_ONE_KEY } from './limits.js';
import type { MessagePipe } from './pipe.js';
import { RECORD, record } from './record.js';

const NO_DATA = new Uint8Array();
const MAX_PIECE = MAX_MESSAGE - TAG_LENGTH - 1;
/** Small pieces cost far more memory than they carry: beyond so many, they have so many bytes on average. */
const FREE_PIECES = 16;
const BYTES_PER_PIECE = 1024;
const MAX_REASON = 256;
const CUT = 'The connection ended without a goodbye of the other side. Open a new channel.';

/** A Noise channel over TCP or WebSocket: nothing is lost or overtaken on the way, so that numbers need not be sent. */
export class StreamChannel extends NoiseChannelBase {
  readonly #pipe: MessagePipe;
  #sent = 0;
  #received = 0;
  #rekeyedAt: number;
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;

  /** `early`: messages that came right behind the handshake. */
  constructor(parts: ChannelParts, pipe: MessagePipe, early: readonly Uint8Array[]) {
    super(parts, (isFull) => pipe.hold(isFull));
    this.#pipe = pipe;
    this.#rekeyedAt = parts.clock();
    for (const message of early) this.#take(message);
    pipe.hold(this.inbox.isFull);
    pipe.attach(
      (message) => this.#take(message),
      // The other side says goodbye before it ends: anything else can be somebody on the way.
      (error) => this.finish({ by: 'error', error: error ?? new MeshError('CHANNEL_CLOSED', { hint: CUT }) }),
    );
  }

  async send(data: Uint8Array): Promise<void> {
    this.assertOpen();
    const { maxMessageBytes } = this.parts.limits;
    if (data.length > maxMessageBytes)
      throw new MeshError('NOISE_LIMIT:SIZE', {
        field: 'maxMessageBytes',
        hint: `It has ${data.length} bytes, and \`maxMessageBytes\` is ${maxMessageBytes}.`,
      });
    const written: Promise<void>[] = [];
    let at = 0;
    for (; data.length - at > MAX_PIECE; at += MAX_PIECE)
      written.push(this.#write(RECORD.piece, data.subarray(at, at + MAX_PIECE)));
    written.push(this.#write(RECORD.data, at === 0 ? data : data.subarray(at)));
    await Promise.all(written);
  }

  /** Tells the initiator that its identity was accepted. */
  ready(): Promise<void> {
    return this.#write(RECORD.ready, NO_DATA);
  }

  protected async sayGoodbye(reason: string): Promise<void> {
    try {
      await this.#write(RECORD.close, utf8(reason).subarray(0, MAX_REASON));
    } catch (error) {
      this.parts.onFault(error);
    }
  }

  protected release(): void {
    this.#pipe.end();
  }

  async #write(type: number, data: Uint8Array): Promise<void> {
    const { proven, limits, clock } = this.parts;
    const { sending } = proven;
    if (sending.n >= limits.maxMessages) {
      const error = new MeshError('NOISE_LIMIT:MESSAGES', { field: 'maxMessages' });
      this.fail(error);
      throw error;
    }
    if (++this.#sent >= limits.rekeyMessages || clock() - this.#rekeyedAt >= limits.rekeyMs) {
      void this.#pipe.send(sending.encrypt(NO_DATA, record(RECORD.rekey, NO_DATA))).catch(() => {});
      sending.rekey();
      this.#sent = 1;
      this.#rekeyedAt = clock();
    }
    await this.#pipe.send(sending.encrypt(NO_DATA, record(type, data)));
  }

  #take(message: Uint8Array): void {
    if (this.isClosed) return;
    try {
      const plaintext = this.parts.proven.receiving.decrypt(NO_DATA, message);
      if (++this.#received > MAX_UNDER_ONE_KEY) throw new MeshError('NOISE_LIMIT:MESSAGES');
      this.#handle(plaintext[0], plaintext.subarray(1));
    } catch (error) {
      this.fail(error);
    }
  }

  #handle(type: number | undefined, data: Uint8Array): void {
    if (type === RECORD.data) this.inbox.push(this.#pieceBytes === 0 ? data : this.#whole(data));
    else if (type === RECORD.piece) this.#keep(data);
    else if (type === RECORD.rekey) {
      this.parts.proven.receiving.rekey();
      this.#received = 0;
    } else if (type === RECORD.close) {
      const reason = new TextDecoder().decode(data.subarray(0, MAX_REASON));
      this.finish({ by: 'peer', ...(reason ? { reason } : {}) });
    } else if (type !== RECORD.alive) throw new MeshError('NOISE_DECRYPT_FAILED', { field: 'type' });
  }

  #keep(data: Uint8Array): void {
    this.#pieceBytes += data.length;
    this.#pieces.push(data);
    const isCrumbled = this.#pieces.length > FREE_PIECES + this.#pieceBytes / BYTES_PER_PIECE;
    if (data.length === 0 || isCrumbled || this.#pieceBytes > this.parts.limits.maxMessageBytes)
      throw new MeshError('NOISE_LIMIT:SIZE', { field: 'maxMessageBytes' });
  }

  #whole(last: Uint8Array): Uint8Array {
    if (this.#pieceBytes + last.length > this.parts.limits.maxMessageBytes)
      throw new MeshError('NOISE_LIMIT:SIZE', { field: 'maxMessageBytes' });
    const message = concat(...this.#pieces, last);
    this.#pieces = [];
    this.#pieceBytes = 0;
    return message;
  }
}
