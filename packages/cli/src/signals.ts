/** Until `end`, further signals are taken as the first one was, and do not cut short what it began. */
export function signals(): { readonly toStop: Promise<void>; readonly end: () => void } {
  const names = ['SIGINT', 'SIGTERM'] as const;
  let stop = () => {};
  const toStop = new Promise<void>((resolve) => {
    stop = () => resolve();
  });
  for (const name of names) process.on(name, stop);
  return {
    toStop,
    end() {
      for (const name of names) process.off(name, stop);
    },
  };
}
