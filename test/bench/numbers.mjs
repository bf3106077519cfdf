/** The middle value: a single slow round, on a machine with other work, moves it little. */
export const median = values => quantile(values, 0.5);

/** The value below which the share `q` of the values lies (nearest rank). */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))];
}
