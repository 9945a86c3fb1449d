/** When a device is not to be disturbed, by its own clock. */
export interface QuietHours {
  /** `HH:MM`, such as `22:00`. */
  readonly from: string;
  /** `HH:MM`; before `from`: on the next day. */
  readonly to: string;
}

const TIME = /^([01]\d|2[0-3]):([0-5]\d)$/;

/** Whether both are times of day, and not the same. */
export const isQuietHours = (value: unknown): boolean => {
  const { from, to } = Object(value) as QuietHours;
  return TIME.test(from) && TIME.test(to) && from !== to;
};

/** Whether it is quiet at this time, in ms since 1970, in the time zone of the process. */
export function isQuiet({ from, to }: QuietHours, now: number): boolean {
  const date = new Date(now);
  const minutes = date.getHours() * 60 + date.getMinutes();
  const [begin, end] = [from, to].map((text) => {
    const [hours, rest] = text.split(':').map(Number);
    return hours! * 60 + rest!;
  }) as [number, number];
  return begin < end ? minutes >= begin && minutes < end : minutes >= begin || minutes < end;
}
