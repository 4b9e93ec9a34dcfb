/** Formats of durations, counts and messages. */

/** Formats a duration in ms, rounded up: `59 s`, `12 min`, `3 h 5 min`, `2 d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const [hours, remainder] = [Math.floor(minutes / 60), minutes % 60];
  if (hours < 48) return remainder === 0 ? `${hours} h` : `${hours} h ${remainder} min`;
  return `${Math.round(hours / 24)} d`;
}

/** Formats a number of things: `1 problem`, `3 problems`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Formats a message as a sentence. */
export function sentence(text: string): string {
  return text === "" ? "" : `${text[0]!.toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
