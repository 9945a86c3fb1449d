export const bytes = (size: number, fill = 7): Uint8Array<ArrayBuffer> => new Uint8Array(size).fill(fill);

/** A body that is written by hand. */
export class Source {
  readonly stream: ReadableStream<Uint8Array>;
  pulled = 0;
  cancelled: unknown;
  #controller!: ReadableStreamDefaultController<Uint8Array>;

  constructor() {
    this.stream = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => {
        this.pulled += 1;
      },
      cancel: (reason) => {
        this.cancelled = reason ?? 'cancelled';
      },
    });
  }

  write(piece: Uint8Array): void {
    this.#controller.enqueue(piece);
  }

  end(): void {
    this.#controller.close();
  }

  fail(error: unknown): void {
    this.#controller.error(error);
  }
}

export const post = (body: unknown, more: RequestInit = {}): RequestInit =>
  ({
    method: 'POST',
    body,
    duplex: 'half',
    headers: { 'Content-Type': 'video/mp4' },
    ...more,
  }) as RequestInit;

/** So many pieces, and how many of them were asked for. */
export function pieces(count: number, size = 65_536) {
  const asked = { count: 0 };
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (asked.count === count) return controller.close();
        asked.count += 1;
        controller.enqueue(bytes(size, asked.count % 251));
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, asked };
}
