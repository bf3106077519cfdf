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
import { findGroup, type StoredGroup } from '@sever/directory';
import type { FastifyReply } from 'fastify';
import { IngressContext } from '../../ingress-context.js';
import { GroupWrites, groupEtag, groupNotFound } from '../../writes/group-writes.js';
import { writerOf, type Writer } from '../../writes/user-request.js';
import { isKnown, preconditionsOf } from '../../writes/preconditions.js';
import { groupLocation, showsMembers } from './group-document.js';
import { GroupReads } from './group-reads.js';
import { groupOfPost, groupOfPut, patchOfGroup } from './group-requests.js';
import { ListAnswers } from '../search/list-answers.js';
import { readParameters, type ReadParameters } from '../search/query-parameters.js';
import { ScimAuthGuard, type ScimRequest } from '../scim-auth.guard.js';
import { bodyOf, send } from '../scim-exchange.js';

/** A PATCH of a group with more members is answered without the resource, unless the request says what it wants to see of it. */
const MEMBERS_ANSWERED_MAX = 1_000;

/** SCIM Groups of one connection (RFC 7644 §3). */
@Controller('scim/v2/:connection/Groups')
@UseGuards(ScimAuthGuard)
export class GroupsController {
  constructor(
    private readonly context: IngressContext,
    private readonly writes: GroupWrites,
    private readonly reads: GroupReads,
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
    const stored = await this.writes.create(writer, groupOfPost(bodyOf(body), writer.reading));
    send(reply, 201, await this.reads.document(request.connection.id, stored, query), {
      location: groupLocation(stored.id, this.base(request)),
      etag: groupEtag(stored),
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
    send(reply, 200, await this.answers.answer(request, query, 'Groups', lists));
  }

  @Get(':id')
  async read(
    @Req() request: ScimRequest,
    @Param('id') id: string,
    @Query() parameters: object,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const query = readParameters(parameters);
    const found = await findGroup(this.context.dataSource, request.connection.id, id);
    if (!found) throw groupNotFound(id);
    const etag = groupEtag(found);
    if (isKnown(preconditionsOf(request.headers), 'group', etag))
      void reply.status(304).header('etag', etag).send();
    else send(reply, 200, await this.reads.document(request.connection.id, found, query), { etag });
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
    const stored = await this.writes.update(writer, id, preconditionsOf(request.headers), before =>
      groupOfPut(before, json, writer.reading),
    );
    send(reply, 200, await this.reads.document(request.connection.id, stored, query), {
      etag: groupEtag(stored),
    });
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
    const change = patchOfGroup(bodyOf(body), writer.reading);
    const stored = await this.writes.update(writer, id, preconditionsOf(request.headers), change);
    const etag = groupEtag(stored);
    if (isAnsweredWithout(writer, stored, query)) void reply.status(204).header('etag', etag).send();
    else send(reply, 200, await this.reads.document(request.connection.id, stored, query), { etag });
  }

  @Delete(':id')
  async remove(
    @Req() request: ScimRequest,
    @Param('id') id: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.writes.remove(writerOf(request.connection), id, preconditionsOf(request.headers));
    void reply.status(204).send();
  }

  private base(request: ScimRequest): string {
    return this.context.scimBase(request.connection.id);
  }
}

/** Who names attributes wants to see them (RFC 7644 §3.5.2); else a 204 is always allowed. */
const isAnsweredWithout = ({ reading }: Writer, group: StoredGroup, query: ReadParameters): boolean =>
  !query.attributes &&
  (reading.dialect.patchStatus === 204 || (group.memberCount > MEMBERS_ANSWERED_MAX && showsMembers(query)));
