/**
 * Which offsets of one partition are done. The committable offset is the smallest one that is not settled, or the one after
 * the highest seen: a crash then repeats work but loses none. Gaps between offsets are normal.
 */
export class OffsetLedger {
  /** Offsets in the order of delivery, from `head` on. */
  private offsets: bigint[] = [];
  private head = 0;
  private readonly settled = new Set<bigint>();
  private committable: bigint;

  /** @param next first offset that will be delivered */
  constructor(next: bigint) {
    this.committable = next;
  }

  /** Records a delivery. Offsets come in ascending order. */
  delivered(offset: bigint): void {
    this.offsets.push(offset);
  }

  settle(offset: bigint): void {
    if (offset !== this.offsets[this.head]) {
      this.settled.add(offset);
      return;
    }
    this.head += 1;
    // Those behind it that were settled before.
    let waiting = this.offsets[this.head];
    while (waiting !== undefined && this.settled.size > 0 && this.settled.delete(waiting)) {
      offset = waiting;
      this.head += 1;
      waiting = this.offsets[this.head];
    }
    this.committable = waiting ?? offset + 1n;
    if (this.head > 1_024 && this.head * 2 > this.offsets.length) {
      this.offsets = this.offsets.slice(this.head);
      this.head = 0;
    }
  }

  /** The next offset of the group: everything before it is settled. */
  next(): bigint {
    return this.committable;
  }

  /** Deliveries that are not settled. */
  inFlight(): number {
    return this.offsets.length - this.head - this.settled.size;
  }
}
