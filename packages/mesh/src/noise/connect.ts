import { isMeshError, MeshError } from '../errors/mesh-error.js';
import type { ChannelParts } from './channel-base.js';
import { type MessagePipe, PipeReader } from './pipe.js';
import { RECORD } from './record.js';
import { type HandshakePlan, type NoiseParty, type ProvenHandshake, runHandshake } from './run-handshake.js';
import { StreamChannel } from './stream-channel.js';

/** How long a handshake may take, and what ends it before. */
export interface HandshakeBounds {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** The parts of a channel, from what its handshake proved. */
export type PartsOf = (proven: ProvenHandshake) => ChannelParts;

/** Plays the handshake over a pipe and opens the channel. The pipe is destroyed where that fails; throws `NOISE_…`. */
export async function openStream(
  pipe: MessagePipe,
  party: NoiseParty,
  plan: HandshakePlan,
  bounds: HandshakeBounds,
  partsOf: PartsOf,
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
    const channel = new StreamChannel(partsOf(proven), pipe, reader.rest());
    if (!plan.isInitiator) await channel.ready();
    return channel;
  } catch (cause) {
    pipe.destroy();
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

/** The responder says with its first record that it takes this identity. Without that, nothing may be sent. */
async function awaitReady({ receiving }: ProvenHandshake, reader: PipeReader): Promise<void> {
  const plaintext = receiving.decrypt(new Uint8Array(), await reader.receive());
  if (plaintext.length !== 1 || plaintext[0] !== RECORD.ready)
    throw new MeshError('NOISE_HANDSHAKE_FAILED:MALFORMED');
}
