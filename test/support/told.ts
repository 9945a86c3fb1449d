/**
 * Prints a number for the process that started this one; resolves when it is on its way. What waits in here for a reader that is busy would be lost
 * with the process, when that is killed.
 */
export const told = (number: number): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(`${number}\n`, (error) => (error ? reject(error) : resolve()));
  });
