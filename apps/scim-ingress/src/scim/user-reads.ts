import { Injectable } from '@nestjs/common';
import { queryResources, type StoredResource } from '@sever/directory';
import {
  USER,
  attributeNames,
  parseFilter,
  parseSort,
  project,
  type DialectReading,
  type JsonObject,
  type ResourceType,
} from '@sever/scim';
import { IngressContext } from '../ingress-context.js';
import type { ReadParameters } from './query-parameters.js';
import { storeOfUsers, userDocument } from './user-document.js';

/** Where a page begins, from 0, and how many resources it has at most. */
export type Window = { offset: number; limit: number };

/** Resources as a client sees them, and how many there are in all. */
export type Found = { total: number; documents: JsonObject[] };

/** The users of a connection, as its clients see them. */
@Injectable()
export class UserReads {
  constructor(private readonly context: IngressContext) {}

  /**
   * A page of those that a query asks for.
   * @param others types that are searched in the same request
   * @throws ScimError 400 for a filter or an order that cannot be followed
   */
  async find(
    connection: string,
    query: ReadParameters,
    window: Window,
    reading: DialectReading,
    others: readonly ResourceType[] = [],
  ): Promise<Found> {
    const filter = query.filter === undefined ? undefined : parseFilter(query.filter, USER, reading, others);
    const sort = parseSort(query.sortBy, query.sortOrder, USER, others);
    const base = this.context.scimBase(connection);
    const { total, items } = await queryResources(
      this.context.dataSource,
      connection,
      { filter, sort, ...window },
      storeOfUsers(base),
    );
    return { total, documents: items.map(item => projectUser(item, base, query)) };
  }
}

/** What of a user a client asks for. */
export const projectUser = (user: StoredResource, base: string, query: ReadParameters): JsonObject =>
  project(
    userDocument(user, base),
    USER,
    attributeNames(query.attributes),
    attributeNames(query.excludedAttributes),
  );
