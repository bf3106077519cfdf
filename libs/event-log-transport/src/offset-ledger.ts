/**
 * Which offsets of one partition are done. The committable offset is the smallest one that is not settled, or the one after
 * the highest seen: a crash then repeats work but loses none. Gaps between offsets are normal.
 */
export class OffsetLedger {
  /** Offsets in the order of delivery, from `head` on. As numbers, which are exact up to 2^53 and cost no memory of their own. */
  private offsets: number[] = [];
  private head = 0;
  private readonly settled = new Set<number>();

  /** @param first first offset that will be delivered */
  constructor(private readonly first: bigint) {}

  /** Records a delivery. Offsets come in ascending order. */
  delivered(offset: bigint): void {
    this.offsets.push(Number(offset));
  }

  settle(offset: bigint): void {
    const settled = Number(offset);
    if (settled !== this.offsets[this.head]) {
      this.settled.add(settled);
      return;
    }
    this.head += 1;
    // Those behind it that were settled before.
    while (this.settled.size > 0 && this.settled.delete(this.offsets[this.head] ?? -1)) this.head += 1;
    if (this.head > 1_024 && this.head * 2 > this.offsets.length) this.shorten();
  }

  /** The next offset of the group: everything before it is settled. */
  next(): bigint {
    const due = this.offsets[this.head];
    if (due !== undefined) return BigInt(due);
    const last = this.offsets.at(-1);
    return last === undefined ? this.first : BigInt(last) + 1n;
  }

  /** Deliveries that are not settled. */
  inFlight(): number {
    return this.offsets.length - this.head - this.settled.size;
  }

  /** Forgets what is done but for the last offset, which tells the next one. */
  private shorten(): void {
    this.offsets = this.offsets.slice(this.head - 1);
    this.head = 1;
  }
}
