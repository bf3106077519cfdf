import { Injectable } from '@nestjs/common';
import { cursorKey, type Window } from '@sever/directory';
import {
  cursorResponse,
  listResponse,
  openCursor,
  parsePage,
  sealCursor,
  type CursorPage,
  type CursorScope,
  type DialectReading,
  type IndexPage,
  type JsonObject,
  type NextPage,
  type Place,
} from '@sever/scim';
import { IngressContext } from '../../ingress-context.js';
import { writerOf } from '../../writes/user-request.js';
import type { ReadParameters } from './query-parameters.js';
import type { ScimRequest } from '../scim-auth.guard.js';

/** A part of a list as a client sees it; `total` and `next` as in the directory's `Part`. */
export type Listed = { documents: JsonObject[]; total: number | undefined; next: Place | undefined };

/** Resources of a connection that can be listed; `type` tells it from others of the same search. */
export type List = {
  type: string;
  find(query: ReadParameters, window: Window, reading: DialectReading): Promise<Listed>;
};

/** Answers to queries, page by page: by index (RFC 7644 §3.4.2.4) or with cursors (RFC 9865), over one kind of resource or several. */
@Injectable()
export class ListAnswers {
  private key: Promise<Buffer> | undefined;

  constructor(private readonly context: IngressContext) {}

  /**
   * @param lists one after the other
   * @throws ScimError 400 for a query that cannot be followed
   */
  async answer(
    request: ScimRequest,
    query: ReadParameters,
    endpoint: string,
    lists: readonly List[],
  ): Promise<JsonObject> {
    const page = parsePage(query);
    const { reading } = writerOf(request.connection);
    const find = (list: List, window: Window): Promise<Listed> => list.find(query, window, reading);
    if (!('cursor' in page)) return byIndex(page, lists, find);
    const { filter, sortBy, sortOrder } = query;
    return this.byCursor(
      page,
      { connection: request.connection.id, endpoint, filter, sortBy, sortOrder },
      lists,
      find,
    );
  }

  private async byCursor(
    { cursor, count }: CursorPage,
    scope: CursorScope,
    lists: readonly List[],
    find: Find,
  ): Promise<JsonObject> {
    const key = await this.sealingKey();
    const from = cursor === '' ? undefined : openCursor(cursor, scope, key, Date.now());
    const { documents, next } = await walk(lists, from, count, find);
    const total = from?.total ?? (await totalOf(lists, find));
    const nextCursor = next && sealCursor({ ...next, total }, scope, key, Date.now());
    return cursorResponse(documents, total, nextCursor);
  }

  /** Read once; a failure is not kept. */
  private sealingKey(): Promise<Buffer> {
    this.key ??= cursorKey(this.context.dataSource).catch((error: unknown) => {
      this.key = undefined;
      throw error;
    });
    return this.key;
  }
}

type Find = (list: List, window: Window) => Promise<Listed>;

async function byIndex(page: IndexPage, lists: readonly List[], find: Find): Promise<JsonObject> {
  const documents: JsonObject[] = [];
  let total = 0;
  for (const list of lists) {
    const window = {
      offset: Math.max(0, page.startIndex - 1 - total),
      limit: page.count - documents.length,
    };
    const found = await find(list, window);
    total += found.total ?? 0;
    documents.push(...found.documents);
  }
  return listResponse(documents, total, page);
}

/** A page of a walk through the lists, and where the walk goes on; undefined at its end. */
async function walk(
  lists: readonly List[],
  from: NextPage | undefined,
  count: number,
  find: Find,
): Promise<{ documents: JsonObject[]; next: Omit<NextPage, 'total'> | undefined }> {
  const documents: JsonObject[] = [];
  const begin = from ? lists.findIndex(({ type }) => type === from.type) : 0;
  for (const [i, list] of lists.slice(begin).entries()) {
    const limit = count - documents.length;
    if (limit === 0) return { documents, next: { type: list.type, place: null } };
    const found = await find(list, { limit, after: i === 0 ? (from?.place ?? null) : null });
    documents.push(...found.documents);
    if (found.next) return { documents, next: { type: list.type, place: found.next } };
  }
  return { documents, next: undefined };
}

async function totalOf(lists: readonly List[], find: Find): Promise<number> {
  const counted = await Promise.all(lists.map(list => find(list, { offset: 0, limit: 0 })));
  return counted.reduce((sum, { total }) => sum + (total ?? 0), 0);
}
