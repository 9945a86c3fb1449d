import { isMeshError, MeshError } from '../errors/mesh-error.js';
import type { ChannelParts, NoiseChannelBase } from './channel-base.js';
import { TOO_MANY_CHANNELS, tooManyChannels } from './channel-places.js';
import { type MessagePipe, PipeReader } from './pipe.js';
import { RECORD } from './record.js';
import { type HandshakePlan, type NoiseParty, type ProvenHandshake, runHandshake } from './run-handshake.js';
import { StreamChannel } from './stream-channel.js';

/** How long a handshake may take, and what ends it before. */
export interface HandshakeBounds {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Makes channels of what handshakes proved. */
export interface ChannelMaker {
  /** The parts of a channel. */
  partsOf(proven: ProvenHandshake): ChannelParts;
  /** Lets a channel in that the other side opened, and tells it so. Throws `NOISE_LIMIT:CHANNELS`, and has told it that. */
  admit(channel: NoiseChannelBase): Promise<void>;
}

/** Plays the handshake over a pipe and opens the channel. The pipe is destroyed where that fails; throws `NOISE_…`. */
export async function openStream(
  pipe: MessagePipe,
  party: NoiseParty,
  plan: HandshakePlan,
  bounds: HandshakeBounds,
  maker: ChannelMaker,
): Promise<StreamChannel> {
  const reader = new PipeReader(pipe);
  const timer = setTimeout(
    () => reader.fail(new MeshError('NOISE_HANDSHAKE_FAILED:TIMEOUT')),
    bounds.timeoutMs,
  );
  const abort = () =>
    reader.fail(new MeshError('NOISE_HANDSHAKE_FAILED:CONNECTION', { cause: bounds.signal?.reason }));
  bounds.signal?.addEventListener('abort', abort, { once: true });
  if (bounds.signal?.aborted) abort();
  try {
    const proven = await reader.race(play(pipe, reader, party, plan));
    reader.assertOpen();
    const channel = new StreamChannel(maker.partsOf(proven), pipe, reader.rest());
    if (!plan.isInitiator) await maker.admit(channel);
    return channel;
  } catch (cause) {
    // Who was told goodbye has to get it: that pipe ends by itself.
    if (!isMeshError(cause, 'NOISE_LIMIT:CHANNELS')) pipe.destroy();
    throw isMeshError(cause) ? cause : new MeshError('NOISE_HANDSHAKE_FAILED', { cause });
  } finally {
    clearTimeout(timer);
    bounds.signal?.removeEventListener('abort', abort);
  }
}

async function play(pipe: MessagePipe, reader: PipeReader, party: NoiseParty, plan: HandshakePlan) {
  const send = (message: Uint8Array) =>
    pipe.send(message).catch((cause: unknown) => {
      throw new MeshError('NOISE_HANDSHAKE_FAILED:CONNECTION', { cause });
    });
  const proven = await runHandshake(party, plan, { send, receive: () => reader.receive() });
  if (plan.isInitiator) await awaitReady(proven, reader);
  return proven;
}

const textOf = (data: Uint8Array): string => new TextDecoder().decode(data);

/** The responder says with its first record that it takes this identity. Without that, nothing may be sent. */
async function awaitReady({ receiving }: ProvenHandshake, reader: PipeReader): Promise<void> {
  const plaintext = receiving.decrypt(new Uint8Array(), await reader.receive());
  if (plaintext[0] === RECORD.close && textOf(plaintext.subarray(1)) === TOO_MANY_CHANNELS)
    throw tooManyChannels();
  if (plaintext.length !== 1 || plaintext[0] !== RECORD.ready)
    throw new MeshError('NOISE_HANDSHAKE_FAILED:MALFORMED');
}
