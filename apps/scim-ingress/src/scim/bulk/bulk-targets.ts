import { Injectable } from '@nestjs/common';
import { findGroups, isUuid, type Connection } from '@sever/directory';
import type { BulkDone, BulkOperation, Json } from '@sever/scim';
import { IngressContext } from '../../ingress-context.js';
import { GroupWrites, groupEtag } from '../../writes/group-writes.js';
import { etag, writerOf, type Writer } from '../../writes/user-request.js';
import { UserWrites } from '../../writes/user-writes.js';
import { groupOfPost, groupOfPut, patchOfGroup } from '../groups/group-requests.js';
import type { Preconditions } from '../../writes/preconditions.js';
import { patchOfUser, userOfPost, userOfPut } from '../users/user-requests.js';

/** What a write left behind. */
type Stored = { id: string; etag: string };

/** The writes of one type of resource, as a bulk request names them. */
type Target = {
  POST(writer: Writer, data: Json): Promise<Stored>;
  PUT(writer: Writer, id: string, conditions: Preconditions, data: Json): Promise<Stored>;
  PATCH(writer: Writer, id: string, conditions: Preconditions, data: Json): Promise<Stored>;
  DELETE(writer: Writer, id: string, conditions: Preconditions): Promise<void>;
  /** The names that resources have now, which two of them must not have. */
  namesOf(connection: string, ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
};

/** Endpoints that a bulk request may write to. */
export const BULK_ENDPOINTS = ['Users', 'Groups'] as const;

/** Carries out single operations of bulk requests: each is a write like any other, with an event of its own. */
@Injectable()
export class BulkTargets {
  private readonly targets: Readonly<Record<(typeof BULK_ENDPOINTS)[number], Target>>;

  constructor(context: IngressContext, users: UserWrites, groups: GroupWrites) {
    this.targets = { Users: targetOfUsers(context, users), Groups: targetOfGroups(context, groups) };
  }

  namesOf(
    connection: Connection,
    endpoint: string,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, string>> {
    return this.targetOf(endpoint).namesOf(connection.id, ids);
  }

  /** @throws ScimError as the answer of the operation */
  async carryOut(connection: Connection, base: string, operation: BulkOperation): Promise<BulkDone> {
    const { endpoint, method, id = '', version, data } = operation;
    const target = this.targetOf(endpoint);
    const writer = writerOf(connection);
    const conditions = { ifMatch: version };
    const done = (status: number, stored: Stored): BulkDone => ({
      status,
      id: stored.id,
      location: `${base}/${endpoint}/${stored.id}`,
      version: stored.etag,
    });
    switch (method) {
      case 'POST':
        return done(201, await target.POST(writer, data));
      case 'PUT':
        return done(200, await target.PUT(writer, id, conditions, data));
      case 'PATCH':
        return done(writer.reading.dialect.patchStatus, await target.PATCH(writer, id, conditions, data));
      case 'DELETE':
        await target.DELETE(writer, id, conditions);
        return { status: 204, id, location: `${base}/${endpoint}/${id}` };
    }
  }

  private targetOf(endpoint: string): Target {
    return this.targets[endpoint as (typeof BULK_ENDPOINTS)[number]];
  }
}

function targetOfUsers({ looks }: IngressContext, writes: UserWrites): Target {
  const stored = (user: Awaited<ReturnType<UserWrites['create']>>): Stored => ({
    id: user.id,
    etag: etag(user),
  });
  return {
    POST: async (writer, data) => stored(await writes.create(writer, userOfPost(data, writer.reading))),
    PUT: async (writer, id, conditions, data) =>
      stored(await writes.update(writer, id, conditions, userOfPut(data, writer.reading))),
    PATCH: async (writer, id, conditions, data) =>
      stored(await writes.update(writer, id, conditions, patchOfUser(data, writer.reading, id))),
    DELETE: (writer, id, conditions) => writes.remove(writer, id, conditions),
    namesOf: async (connection, ids) => {
      const found = await Promise.all(ids.map(id => looks.resource(connection, id)));
      return new Map(found.flatMap(user => (user ? [[user.id, user.userNameNorm] as const] : [])));
    },
  };
}

function targetOfGroups({ dataSource }: IngressContext, writes: GroupWrites): Target {
  const stored = (group: Awaited<ReturnType<GroupWrites['create']>>): Stored => ({
    id: group.id,
    etag: groupEtag(group),
  });
  return {
    POST: async (writer, data) => stored(await writes.create(writer, groupOfPost(data, writer.reading))),
    PUT: async (writer, id, conditions, data) =>
      stored(await writes.update(writer, id, conditions, before => groupOfPut(before, data, writer.reading))),
    PATCH: async (writer, id, conditions, data) =>
      stored(await writes.update(writer, id, conditions, patchOfGroup(data, writer.reading))),
    DELETE: (writer, id, conditions) => writes.remove(writer, id, conditions),
    namesOf: async (connection, ids) => {
      const found = await findGroups(dataSource, connection, ids.filter(isUuid));
      return new Map(found.map(group => [group.id, String(group.attributes.displayName)]));
    },
  };
}
