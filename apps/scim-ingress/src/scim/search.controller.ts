import { Body, Controller, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import {
  type DialectReading,
  GROUP,
  ScimError,
  USER,
  listResponse,
  parsePage,
  parseSearch,
} from '@sever/scim';
import type { FastifyReply } from 'fastify';
import { writerOf } from '../writes/user-request.js';
import { GroupReads } from './group-reads.js';
import type { ReadParameters } from './query-parameters.js';
import { ScimAuthGuard, type ScimRequest } from './scim-auth.guard.js';
import { UserReads, type Found, type Window } from './user-reads.js';
import { bodyOf, send } from './users.controller.js';

type Search = (query: ReadParameters, window: Window, reading: DialectReading) => Promise<Found>;

/** Queries that travel in a body, where no proxy writes them down (RFC 7644 §3.4.3). */
@Controller('scim/v2/:connection')
@UseGuards(ScimAuthGuard)
export class SearchController {
  constructor(
    private readonly users: UserReads,
    private readonly groups: GroupReads,
  ) {}

  @Post('Users/.search')
  @HttpCode(200)
  searchUsers(@Req() request: ScimRequest, @Body() body: unknown, @Res() reply: FastifyReply): Promise<void> {
    const { id } = request.connection;
    return answer(request, body, reply, (query, window, reading) =>
      this.users.find(id, query, window, reading),
    );
  }

  @Post('Groups/.search')
  @HttpCode(200)
  searchGroups(
    @Req() request: ScimRequest,
    @Body() body: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { id } = request.connection;
    return answer(request, body, reply, (query, window, reading) =>
      this.groups.find(id, query, window, reading),
    );
  }

  @Post('.search')
  @HttpCode(200)
  searchAll(@Req() request: ScimRequest, @Body() body: unknown, @Res() reply: FastifyReply): Promise<void> {
    return answer(request, body, reply, (query, window, reading) =>
      this.all(request.connection.id, query, window, reading),
    );
  }

  /** Users, then groups, each in their order. An order over both would have to read both. */
  private async all(
    connection: string,
    query: ReadParameters,
    { offset, limit }: Window,
    reading: DialectReading,
  ): Promise<Found> {
    if (query.sortBy)
      throw new ScimError(400, 'search /Users or /Groups to have an order of your own', 'invalidValue');
    const users = await this.users.find(connection, query, { offset, limit }, reading, [GROUP]);
    const rest = {
      offset: Math.max(0, offset - users.total),
      limit: limit - users.documents.length,
    };
    const groups = await this.groups.find(connection, query, rest, reading, [USER]);
    return { total: users.total + groups.total, documents: [...users.documents, ...groups.documents] };
  }
}

async function answer(
  request: ScimRequest,
  body: unknown,
  reply: FastifyReply,
  search: Search,
): Promise<void> {
  const query = parseSearch(bodyOf(body));
  const page = parsePage(query.startIndex, query.count);
  const { reading } = writerOf(request.connection);
  const { total, documents } = await search(
    query,
    { offset: page.startIndex - 1, limit: page.count },
    reading,
  );
  send(reply, 200, listResponse(documents, total, page));
}
