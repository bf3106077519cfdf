import type { JsonObject } from '../json-value.js';
import { ScimError, errorBody, invalidValue } from '../scim-error.js';
import { referencesOf, withIds } from './bulk-references.js';
import type { BulkOperation, BulkRequest } from './bulk-request.js';
import { nextWave, type Placed } from './bulk-waves.js';

export const BULK_RESPONSE_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse';

/** What an operation came to. `id` is that of the resource it made or changed. */
export type BulkDone = { status: number; id: string; location: string; version?: string | undefined };

/** Carries out one operation. @throws ScimError as its answer; anything else ends the whole request */
export type CarryOut = (operation: BulkOperation) => Promise<BulkDone>;

/** Operations of one request that are carried out at the same time, at most, when nobody else minds. */
export const BULK_AT_ONCE_MAX = 64;

/**
 * Carries out a bulk request (RFC 7644 §3.7): each operation stands for itself, in the order of the request where order can matter.
 * References by `bulkId` are followed forwards and backwards; those in a circle are answered 409.
 * @param base address under which the endpoints stand, without a slash at its end
 * @param atOnce how many operations may be carried out at the same time now, asked before each group of them; {@link BULK_AT_ONCE_MAX} without it
 * @returns the bulk response; with `failOnErrors` what was not tried any more is missing from it
 */
export function runBulk(
  request: BulkRequest,
  base: string,
  carryOut: CarryOut,
  atOnce: () => number = () => BULK_AT_ONCE_MAX,
): Promise<JsonObject> {
  return new BulkRun(request, base, carryOut, atOnce).run();
}

class BulkRun {
  private readonly answers: (JsonObject | undefined)[];
  private readonly ids = new Map<string, string>();
  private readonly failed = new Set<string>();
  private readonly known: ReadonlySet<string>;
  private errors = 0;

  constructor(
    private readonly request: BulkRequest,
    private readonly base: string,
    private readonly carryOut: CarryOut,
    private readonly atOnce: () => number,
  ) {
    this.answers = request.entries.map(() => undefined);
    this.known = new Set(
      request.entries.flatMap(({ read }) =>
        !(read instanceof ScimError) && read.method === 'POST' && read.bulkId ? [read.bulkId] : [],
      ),
    );
  }

  async run(): Promise<JsonObject> {
    const { failOnErrors, entries } = this.request;
    let pending: Placed[] = [];
    for (const [place, { read }] of entries.entries())
      if (!(read instanceof ScimError)) pending.push({ place, operation: read });
    // What cannot even be read counts where it stands, not before what precedes it.
    while (pending.length > 0) {
      const waveMax = failOnErrors === undefined ? this.atOnce() : 1;
      const wave = nextWave(pending, bulkId => this.isSettled(bulkId), waveMax);
      this.refuseUnread(wave[0]?.place ?? entries.length);
      if (this.isOver()) break;
      if (wave.length === 0) {
        for (const placed of pending) this.refuse(placed.place, circular());
        break;
      }
      await Promise.all(wave.map(placed => this.one(placed)));
      const tried = new Set(wave.map(({ place }) => place));
      pending = pending.filter(({ place }) => !tried.has(place));
      if (this.isOver()) break;
    }
    this.refuseUnread(entries.length);
    return {
      schemas: [BULK_RESPONSE_SCHEMA],
      Operations: this.answers.filter(answer => answer !== undefined),
    };
  }

  private async one({ place, operation }: Placed): Promise<void> {
    try {
      for (const bulkId of referencesOf(operation)) this.checkReference(bulkId, operation);
      const done = await this.carryOut(withIds(operation, this.ids));
      if (operation.bulkId) this.ids.set(operation.bulkId, done.id);
      this.answers[place] = {
        ...this.said(place),
        location: done.location,
        status: String(done.status),
        ...(done.version !== undefined && { version: done.version }),
      };
    } catch (error) {
      if (!(error instanceof ScimError)) throw error;
      this.refuse(place, error);
    }
  }

  private checkReference(bulkId: string, operation: BulkOperation): void {
    if (this.ids.has(bulkId)) return;
    const name = bulkId.slice(0, 80);
    if (bulkId === operation.bulkId) throw circular();
    if (this.failed.has(bulkId))
      throw new ScimError(
        409,
        `the resource "bulkId:${name}" could not be made`,
        undefined,
        'bulk.reference-failed',
      );
    throw invalidValue(`no POST of this request has the bulkId "${name}"`);
  }

  private isSettled(bulkId: string): boolean {
    return this.ids.has(bulkId) || this.failed.has(bulkId) || !this.known.has(bulkId);
  }

  private isOver(): boolean {
    return this.errors >= (this.request.failOnErrors ?? Number.POSITIVE_INFINITY);
  }

  private refuseUnread(before: number): void {
    for (let place = 0; place < before && !this.isOver(); place += 1) {
      const read = this.request.entries[place]?.read;
      if (read instanceof ScimError && this.answers[place] === undefined) this.refuse(place, read);
    }
  }

  private refuse(place: number, error: ScimError): void {
    this.errors += 1;
    const entry = this.request.entries[place];
    if (entry?.said.bulkId) this.failed.add(entry.said.bulkId);
    const known =
      entry && !(entry.read instanceof ScimError) && entry.read.method !== 'POST' ? entry.read : undefined;
    this.answers[place] = {
      ...this.said(place),
      ...(known?.id !== undefined && {
        location: `${this.base}/${known.endpoint}/${encodeURIComponent(known.id)}`,
      }),
      status: String(error.status),
      response: errorBody(error),
    };
  }

  private said(place: number): JsonObject {
    const { method = '', bulkId } = this.request.entries[place]?.said ?? {};
    return { method, ...(bulkId !== undefined && { bulkId }) };
  }
}

const circular = (): ScimError =>
  new ScimError(
    409,
    'these operations refer to each other in a circle: make the resources first and join them afterwards',
    undefined,
    'bulk.circular',
  );
