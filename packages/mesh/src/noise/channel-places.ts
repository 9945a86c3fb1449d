import { MeshError } from '../errors/mesh-error.js';
import type { NoiseChannelBase } from './channel-base.js';

/** What the goodbye to a channel says that is one too many. */
export const TOO_MANY_CHANNELS = 'maxChannelsPerDid';

/** The error of a channel that is one too many, on both sides. */
export const tooManyChannels = (): MeshError =>
  new MeshError('NOISE_LIMIT:CHANNELS', { field: TOO_MANY_CHANNELS });

/** The open channels that others opened to this agent, by their DIDs. */
export class ChannelPlaces {
  readonly #max: number;
  readonly #byDid = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Lets a channel in and tells the other side; where its DID has too many it is told that. Throws `NOISE_LIMIT:CHANNELS`. */
  async admit(channel: NoiseChannelBase): Promise<void> {
    const { did } = channel.peer;
    const open = this.#byDid.get(did) ?? 0;
    if (open >= this.#max) {
      await channel.close(TOO_MANY_CHANNELS);
      throw tooManyChannels();
    }
    this.#byDid.set(did, open + 1);
    void channel.closed.then(() => this.#leave(did));
    await channel.ready();
  }

  #leave(did: string): void {
    const left = this.#byDid.get(did)! - 1;
    if (left > 0) this.#byDid.set(did, left);
    else this.#byDid.delete(did);
  }
}
