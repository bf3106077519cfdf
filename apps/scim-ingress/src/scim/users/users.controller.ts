import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  Put,
  Query,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import type { StoredResource } from '@sever/directory';
import { prefersAsync, type JsonObject } from '@sever/scim';
import type { FastifyReply } from 'fastify';
import { IngressContext } from '../../ingress-context.js';
import { AsyncRequest } from '../../writes/async-request.js';
import { etag, notFound, writerOf, type Writer } from '../../writes/user-request.js';
import { UserWrites } from '../../writes/user-writes.js';
import { isKnown, preconditionsOf } from '../../writes/preconditions.js';
import { ListAnswers } from '../search/list-answers.js';
import { readParameters, type ReadParameters } from '../search/query-parameters.js';
import { ScimAuthGuard, type ScimRequest } from '../scim-auth.guard.js';
import { accepted, bodyOf, send } from '../scim-exchange.js';
import { userLocation } from './user-document.js';
import { UserReads, projectUser } from './user-reads.js';
import { patchOfUser, userOfPost, userOfPut } from './user-requests.js';

/** SCIM Users of one connection (RFC 7644 §3). */
@Controller('scim/v2/:connection/Users')
@UseGuards(ScimAuthGuard)
export class UsersController {
  constructor(
    private readonly context: IngressContext,
    private readonly writes: UserWrites,
    private readonly reads: UserReads,
    private readonly answers: ListAnswers,
  ) {}

  @Post()
  @HttpCode(201)
  async create(
    @Req() request: ScimRequest,
    @Query() parameters: object,
    @Body() body: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const query = readParameters(parameters);
    const writer = asked(request);
    const stored = await this.writes.create(writer, userOfPost(bodyOf(body), writer.reading));
    if (writer.later) return accepted(reply, writer.later, userLocation(stored.id, this.base(request)));
    send(reply, 201, this.projected(request, stored, query), {
      location: userLocation(stored.id, this.base(request)),
      etag: etag(stored),
    });
  }

  @Get()
  async list(
    @Req() request: ScimRequest,
    @Query() parameters: object,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const query = readParameters(parameters);
    const lists = [this.reads.list(request.connection.id)];
    send(reply, 200, await this.answers.answer(request, query, 'Users', lists));
  }

  @Get(':id')
  async read(
    @Req() request: ScimRequest,
    @Param('id') id: string,
    @Query() parameters: object,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const query = readParameters(parameters);
    const found = await this.context.looks.resource(request.connection.id, id);
    if (!found) throw notFound(id);
    if (isKnown(preconditionsOf(request.headers), 'user', etag(found))) {
      void reply.status(304).header('etag', etag(found)).send();
      return;
    }
    send(reply, 200, this.projected(request, found, query), { etag: etag(found) });
  }

  @Put(':id')
  async replace(
    @Req() request: ScimRequest,
    @Param('id') id: string,
    @Query() parameters: object,
    @Body() body: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const query = readParameters(parameters);
    const writer = asked(request);
    const change = userOfPut(bodyOf(body), writer.reading);
    const stored = await this.writes.update(writer, id, preconditionsOf(request.headers), change);
    if (writer.later) return accepted(reply, writer.later, userLocation(stored.id, this.base(request)));
    send(reply, 200, this.projected(request, stored, query), { etag: etag(stored) });
  }

  @Patch(':id')
  async patch(
    @Req() request: ScimRequest,
    @Param('id') id: string,
    @Query() parameters: object,
    @Body() body: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const query = readParameters(parameters);
    const writer = asked(request);
    const change = patchOfUser(bodyOf(body), writer.reading, id);
    const stored = await this.writes.update(writer, id, preconditionsOf(request.headers), change);
    if (writer.later) return accepted(reply, writer.later, userLocation(stored.id, this.base(request)));
    // Who names attributes wants to see them (RFC 7644 §3.5.2).
    if (writer.reading.dialect.patchStatus === 204 && !query.attributes)
      void reply.status(204).header('etag', etag(stored)).send();
    else send(reply, 200, this.projected(request, stored, query), { etag: etag(stored) });
  }

  @Delete(':id')
  async remove(
    @Req() request: ScimRequest,
    @Param('id') id: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const writer = asked(request);
    await this.writes.remove(writer, id, preconditionsOf(request.headers));
    if (writer.later) return accepted(reply, writer.later, userLocation(id, this.base(request)));
    void reply.status(204).send();
  }

  private base(request: ScimRequest): string {
    return this.context.scimBase(request.connection.id);
  }

  private projected(request: ScimRequest, resource: StoredResource, query: ReadParameters): JsonObject {
    return projectUser(resource, this.base(request), query);
  }
}

/** Who writes, and whether it waits (RFC 9967; RFC 7240 §4.1). */
function asked(request: ScimRequest): Writer {
  const writer = writerOf(request.connection);
  if (!prefersAsync(request.headers.prefer)) return writer;
  return { ...writer, later: new AsyncRequest(request.connection.id, request.method) };
}
