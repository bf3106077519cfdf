import type { JsonObject } from '../json-value.js';
import { ScimError, errorBody, invalidValue } from '../scim-error.js';
import { parted } from './bulk-circles.js';
import { BulkNames, type NamesOf } from './bulk-names.js';
import { idOf, referencesOf, withIds } from './bulk-references.js';
import type { BulkOperation, BulkRequest } from './bulk-request.js';
import { isWaiting, nextWave, type Placed } from './bulk-waves.js';

export const BULK_RESPONSE_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse';

/** What an operation came to. `id` is that of the resource it made or changed. */
export type BulkDone = { status: number; id: string; location: string; version?: string | undefined };

/** Carries out one operation. @throws ScimError as its answer; anything else ends the whole request */
export type CarryOut = (operation: BulkOperation) => Promise<BulkDone>;

/** Operations of one request that are carried out at the same time, at most, when nobody else minds. */
export const BULK_AT_ONCE_MAX = 64;

/** Whoever carries the operations out. */
export type BulkService = {
  /** Address under which the endpoints stand, without a slash at its end. */
  base: string;
  carryOut: CarryOut;
  namesOf: NamesOf;
  /** How many operations may be carried out at the same time now, asked before each group of them. */
  atOnce: () => number;
};

/**
 * Carries out a bulk request (RFC 7644 §3.7): each operation stands for itself, in the order of the request where order can matter.
 * References by `bulkId` are followed forwards and backwards. In a circle the resources are made first and joined afterwards (§3.7.1).
 * @returns the bulk response; with `failOnErrors` what was not tried any more is missing from it
 */
export async function runBulk(request: BulkRequest, service: BulkService): Promise<JsonObject> {
  const operations = request.entries.flatMap(({ read }) => (read instanceof ScimError ? [] : [read]));
  return new BulkRun(request, service, await BulkNames.of(operations, service.namesOf)).run();
}

/** A resource that was made without what it refers to, and the operation that adds it. */
type Unjoined = Placed & { bulkId: string | undefined };

class BulkRun {
  private readonly answers: (JsonObject | undefined)[];
  private readonly ids = new Map<string, string>();
  private readonly failed = new Set<string>();
  private readonly known: ReadonlySet<string>;
  private unjoined: Unjoined[] = [];
  private errors = 0;

  constructor(
    private readonly request: BulkRequest,
    private readonly service: BulkService,
    private readonly names: BulkNames,
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
      const waveMax = failOnErrors === undefined ? this.service.atOnce() : 1;
      const wave = this.wave(pending, waveMax);
      this.refuseUnread(wave[0]?.place ?? entries.length);
      if (this.isOver()) break;
      if (wave.length === 0) {
        for (const placed of pending) this.refuse(placed.place, circular());
        break;
      }
      await Promise.all(wave.map(placed => this.one(placed)));
      await this.join();
      const tried = new Set(wave.map(({ place }) => place));
      pending = pending.filter(({ place }) => !tried.has(place));
      if (this.isOver()) break;
    }
    this.refuseUnread(entries.length);
    for (const { place } of this.unjoined) this.refuse(place, notJoined());
    return {
      schemas: [BULK_RESPONSE_SCHEMA],
      Operations: this.answers.filter(answer => answer !== undefined),
    };
  }

  /** What can be carried out next; where everything waits for each other, the first resource that can be made without what it waits for. */
  private wave(pending: readonly Placed[], sizeMax: number): Placed[] {
    const isSettled = (bulkId: string): boolean => this.isSettled(bulkId);
    const wave = nextWave(pending, isSettled, operation => this.names.subjectsOf(operation), sizeMax);
    if (wave.length > 0) return wave;
    const first = pending.find(({ operation: o }) => o.method === 'POST' && isWaiting(o, isSettled));
    return first ? [first] : [];
  }

  private async one({ place, operation }: Placed): Promise<void> {
    try {
      const references = [...referencesOf(operation)];
      const missing = new Set(references.filter(bulkId => !this.isSettled(bulkId)));
      for (const bulkId of references) if (!missing.has(bulkId)) this.checkReference(bulkId);
      const { now, later } = parted(operation, missing);
      const done = await this.service.carryOut(withIds(now, this.ids));
      if (operation.bulkId) this.ids.set(operation.bulkId, done.id);
      if (later)
        this.unjoined.push({
          place,
          operation: joining(operation, done.id, later),
          bulkId: operation.bulkId,
        });
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

  /** Says of the resources that were made in a circle what they refer to, once that is there or will not be. */
  private async join(): Promise<void> {
    const ready = this.unjoined.filter(
      ({ operation }) => !isWaiting(operation, bulkId => this.isSettled(bulkId)),
    );
    this.unjoined = this.unjoined.filter(one => !ready.includes(one));
    for (const { place, operation } of ready)
      try {
        for (const bulkId of referencesOf(operation)) this.checkReference(bulkId);
        const { version } = await this.service.carryOut(withIds(operation, this.ids));
        this.answers[place] = { ...this.answers[place], ...(version !== undefined && { version }) };
      } catch (error) {
        if (!(error instanceof ScimError)) throw error;
        this.refuse(place, notJoined(error.detail));
      }
  }

  private checkReference(bulkId: string): void {
    if (this.ids.has(bulkId)) return;
    const name = bulkId.slice(0, 80);
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
    const { bulkId } = this.request.entries[place]?.said ?? {};
    if (bulkId !== undefined && !this.ids.has(bulkId)) this.failed.add(bulkId);
    const location = this.locationOf(place);
    this.answers[place] = {
      ...this.said(place),
      ...(location !== undefined && { location }),
      status: String(error.status),
      response: errorBody(error),
    };
  }

  /** Where the resource of an operation is, if there is one (RFC 7644 §3.7.3: always but for a POST that failed). */
  private locationOf(place: number): string | undefined {
    const { address, bulkId } = this.request.entries[place]?.said ?? {};
    const id = idOf(address?.id, this.ids) ?? (bulkId === undefined ? undefined : this.ids.get(bulkId));
    if (!address || id === undefined) return undefined;
    return `${this.service.base}/${address.endpoint}/${encodeURIComponent(id)}`;
  }

  private said(place: number): JsonObject {
    const { method = '', bulkId } = this.request.entries[place]?.said ?? {};
    return { method, ...(bulkId !== undefined && { bulkId }) };
  }
}

const joining = ({ endpoint }: BulkOperation, id: string, data: JsonObject): BulkOperation => ({
  ...{ method: 'PATCH', endpoint, id, data },
  ...{ bulkId: undefined, version: undefined },
});

const notJoined = (why = 'the request ended before'): ScimError =>
  new ScimError(
    409,
    `the resource was made, but not what it refers to in a circle: ${why}`,
    undefined,
    'bulk.circular',
  );

const circular = (): ScimError =>
  new ScimError(
    409,
    'these operations refer to each other in a circle: make the resources first and join them afterwards',
    undefined,
    'bulk.circular',
  );
