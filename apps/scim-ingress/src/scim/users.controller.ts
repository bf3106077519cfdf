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
import { findResource, type StoredResource } from '@sever/directory';
import { ScimError, parseJson, type Json, type JsonObject } from '@sever/scim';
import type { FastifyReply } from 'fastify';
import { IngressContext } from '../ingress-context.js';
import { etag, notFound, writerOf } from '../writes/user-request.js';
import { UserWrites } from '../writes/user-writes.js';
import { ListAnswers } from './list-answers.js';
import { readParameters, type ReadParameters } from './query-parameters.js';
import { ScimAuthGuard, type ScimRequest } from './scim-auth.guard.js';
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
    const writer = writerOf(request.connection);
    const stored = await this.writes.create(writer, userOfPost(bodyOf(body), writer.reading));
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
    const found = await findResource(this.context.dataSource, request.connection.id, id);
    if (!found) throw notFound(id);
    if (request.headers['if-none-match'] === etag(found)) {
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
    const writer = writerOf(request.connection);
    const json = bodyOf(body);
    const stored = await this.writes.update(
      writer,
      id,
      request.headers['if-match'],
      userOfPut(json, writer.reading),
    );
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
    const writer = writerOf(request.connection);
    const change = patchOfUser(bodyOf(body), writer.reading, id);
    const stored = await this.writes.update(writer, id, request.headers['if-match'], change);
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
    await this.writes.remove(writerOf(request.connection), id, request.headers['if-match']);
    void reply.status(204).send();
  }

  private base(request: ScimRequest): string {
    return this.context.scimBase(request.connection.id);
  }

  private projected(request: ScimRequest, resource: StoredResource, query: ReadParameters): JsonObject {
    return projectUser(resource, this.base(request), query);
  }
}

/** Bodies arrive as text: the SCIM core parses them. */
export function bodyOf(body: unknown): Json {
  if (typeof body !== 'string' || body === '')
    throw new ScimError(400, 'the request needs a JSON body', 'invalidSyntax');
  return parseJson(body);
}

export function send(
  reply: FastifyReply,
  status: number,
  document: JsonObject,
  headers: Readonly<Record<string, string>> = {},
): void {
  for (const [name, value] of Object.entries(headers)) void reply.header(name, value);
  void reply
    .status(status)
    .header('content-type', 'application/scim+json; charset=utf-8')
    .send(JSON.stringify(document));
}
