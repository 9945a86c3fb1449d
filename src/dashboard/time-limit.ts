/** Settles as the work does; rejects with `expired()` if that takes longer than `ms`, and ignores the work from then on. */
export async function withinTime<T>(ms: number, expired: () => Error, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(expired()), ms);
    (timer as { unref?: () => void }).unref?.();
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
