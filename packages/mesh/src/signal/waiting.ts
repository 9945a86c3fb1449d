import { MeshError } from '../errors/mesh-error.js';

/** How much may wait for listeners. */
export interface WaitingLimits {
  /** Messages of one peer. */
  readonly maxWaiting: number;
  /** Bytes of one peer. */
  readonly maxWaitingBytes: number;
  /** Bytes of all peers. */
  readonly maxWaitingBytesTotal: number;
}

/** Room for one message, until all who kept it have let go of it. */
export interface Room {
  /** Keeps it; the returned function lets go, once. */
  keep(): () => void;
}

/** What waits in the channels of a provider: each message is counted before it is opened, so that many at once cannot pass the limits together. */
export class Waiting {
  readonly #limits: WaitingLimits;
  readonly #byPeer = new Map<string, { messages: number; bytes: number }>();
  #total = 0;

  constructor(limits: WaitingLimits) {
    this.#limits = limits;
  }

  /** Room for a message of a peer; the limits count where it may have to wait. Throws `SIGNAL_NO_LISTENER:FULL` with the option that is in the way. */
  take(did: string, bytes: number, mayWait: boolean): Room {
    const { maxWaiting, maxWaitingBytes, maxWaitingBytesTotal } = this.#limits;
    const peer = this.#byPeer.get(did) ?? { messages: 0, bytes: 0 };
    if (mayWait) {
      if (peer.messages >= maxWaiting) throw full('maxWaiting');
      if (peer.bytes + bytes > maxWaitingBytes) throw full('maxWaitingBytes');
      if (this.#total + bytes > maxWaitingBytesTotal) throw full('maxWaitingBytesTotal');
    }
    this.#byPeer.set(did, peer);
    peer.messages++;
    peer.bytes += bytes;
    this.#total += bytes;
    const free = () => {
      this.#total -= bytes;
      peer.bytes -= bytes;
      if (--peer.messages === 0) this.#byPeer.delete(did);
    };
    return roomOf(free);
  }
}

function roomOf(free: () => void): Room {
  let keepers = 0;
  return {
    keep() {
      keepers++;
      let isKept = true;
      return () => {
        if (isKept && --keepers === 0) free();
        isKept = false;
      };
    },
  };
}

const full = (field: keyof WaitingLimits): MeshError => new MeshError('SIGNAL_NO_LISTENER:FULL', { field });
