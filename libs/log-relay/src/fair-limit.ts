/**
 * The largest number of records per partition such that all partitions together give at most `total`: one that has much waiting fills
 * what the others leave. At least 1.
 * @param waiting records that wait, per partition
 */
export function fairLimit(waiting: readonly number[], total: number): number {
  let left = total;
  let limit = 0;
  const sorted = waiting.filter(n => n > 0).sort((a, b) => a - b);
  for (const [i, n] of sorted.entries()) {
    const share = Math.floor(left / (sorted.length - i));
    limit = Math.min(n, share);
    if (n > share) return Math.max(1, share);
    left -= n;
  }
  return Math.max(1, limit);
}
