/** What of Node's `EventEmitter` is asked, where it is one. */
interface Emitter {
  getMaxListeners?(): number;
  setMaxListeners?(count: number): unknown;
}

/** Node warns of the eleventh listener of an event: one of ours takes no place from the API. */
export function makeRoom(emitter: object): void {
  const { getMaxListeners, setMaxListeners } = emitter as Emitter;
  const most = getMaxListeners?.call(emitter) ?? 0;
  if (most > 0) setMaxListeners?.call(emitter, most + 1); // 0: any number
}
