import { Body, Controller, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import { GROUP, USER, parseSearch, type SearchParameters } from '@sever/scim';
import type { FastifyReply } from 'fastify';
import { GroupReads } from '../groups/group-reads.js';
import { ListAnswers, type List } from './list-answers.js';
import { ScimAuthGuard, type ScimRequest } from '../scim-auth.guard.js';
import { TogetherReads } from './together-reads.js';
import { UserReads } from '../users/user-reads.js';
import { bodyOf, send } from '../scim-exchange.js';

/** Queries that travel in a body, where no proxy writes them down (RFC 7644 §3.4.3). */
@Controller('scim/v2/:connection')
@UseGuards(ScimAuthGuard)
export class SearchController {
  constructor(
    private readonly users: UserReads,
    private readonly groups: GroupReads,
    private readonly together: TogetherReads,
    private readonly answers: ListAnswers,
  ) {}

  @Post('Users/.search')
  @HttpCode(200)
  searchUsers(@Req() request: ScimRequest, @Body() body: unknown, @Res() reply: FastifyReply): Promise<void> {
    return this.answer(request, body, reply, 'Users', () => [this.users.list(request.connection.id)]);
  }

  @Post('Groups/.search')
  @HttpCode(200)
  searchGroups(
    @Req() request: ScimRequest,
    @Body() body: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.answer(request, body, reply, 'Groups', () => [this.groups.list(request.connection.id)]);
  }

  /** Both types in one order where the client asks for one; without it users, then groups, each by age. */
  @Post('.search')
  @HttpCode(200)
  searchAll(@Req() request: ScimRequest, @Body() body: unknown, @Res() reply: FastifyReply): Promise<void> {
    const { id } = request.connection;
    return this.answer(request, body, reply, '', ({ sortBy }) =>
      sortBy ? [this.together.list(id)] : [this.users.list(id, [GROUP]), this.groups.list(id, [USER])],
    );
  }

  private async answer(
    request: ScimRequest,
    body: unknown,
    reply: FastifyReply,
    endpoint: string,
    listsOf: (query: SearchParameters) => readonly List[],
  ): Promise<void> {
    const query = parseSearch(bodyOf(body));
    send(reply, 200, await this.answers.answer(request, query, endpoint, listsOf(query)));
  }
}
