type Bytes = Uint8Array<ArrayBuffer>;

/** A stream of pieces that are made as they are read, and no faster. `cancel`: nobody wants the rest. */
export const streamOf = (
  pieces: AsyncIterator<Uint8Array>,
  cancel: (reason: unknown) => unknown,
): ReadableStream<Bytes> =>
  new ReadableStream<Bytes>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value as Bytes);
      },
      cancel: async (reason) => void (await cancel(reason)),
    },
    { highWaterMark: 0 },
  );
