import { randomUUID } from 'node:crypto';
import { addCompletion } from '@sever/directory';
import type { SeverEvent } from '@sever/event-contracts';
import type { EntityManager } from 'typeorm';

/** What a write left of its resource. */
export type Written = { uri: string; version: string | null; status: string };

/**
 * A write whose client does not wait for it (RFC 9967, `Prefer: respond-async`). How it ends is told later, under the transaction
 * id that its answer names: the id of the opt-out that it opens, else one of its own.
 */
export class AsyncRequest {
  private id: string = randomUUID();

  constructor(
    private readonly connection: string,
    private readonly method: string,
  ) {}

  /** Value of `Set-Txn`, once the write is committed. */
  get txn(): string {
    return this.id;
  }

  /** Remembers the write in its own transaction: it is never acknowledged without being told about later. */
  async remember(em: EntityManager, event: SeverEvent | undefined, written: Written): Promise<void> {
    const optOutId = event?.optoutid;
    const awaits = event && AWAITED.get(event.type);
    this.id = (event && OPENINGS.has(event.type) ? optOutId : undefined) ?? randomUUID();
    await addCompletion(em, {
      ...{ connection: this.connection, txn: this.id, method: this.method, ...written },
      waitsFor: optOutId !== undefined && awaits ? { optOutId, awaits } : undefined,
    });
  }
}

const OPENINGS: ReadonlySet<SeverEvent['type']> = new Set([
  'sever.optout.requested.v1',
  'sever.optout.staged.v1',
]);

/** What must happen after a write before it is done. Everything else is done when it is stored. */
const AWAITED: ReadonlyMap<SeverEvent['type'], 'cut' | 'restore'> = new Map([
  ['sever.optout.requested.v1', 'cut'],
  ['sever.optout.staged.v1', 'cut'],
  ['sever.optout.repeated.v1', 'cut'],
  ['sever.optout.restore-requested.v1', 'restore'],
]);
