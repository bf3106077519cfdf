import { Controller, Delete, Get, Param, Patch, Post, Put, Query, Req, Res, UseGuards } from '@nestjs/common';
import {
  ScimError,
  USER,
  listResponse,
  resourceTypeDocument,
  schemaDocument,
  serviceProviderConfig,
  type JsonObject,
} from '@sever/scim';
import type { FastifyReply } from 'fastify';
import { IngressContext } from '../ingress-context.js';
import { ScimAuthGuard, type ScimRequest } from './scim-auth.guard.js';
import { send } from './users.controller.js';

const DISCOVERY = ['ServiceProviderConfig', 'ResourceTypes', 'ResourceTypes/:name', 'Schemas', 'Schemas/:id'];

/** What the service can do (RFC 7644 §4), generated from the schemas that drive it; and honest answers for what it cannot. */
@Controller('scim/v2/:connection')
@UseGuards(ScimAuthGuard)
export class DiscoveryController {
  constructor(private readonly context: IngressContext) {}

  @Get('ServiceProviderConfig')
  config(
    @Req() request: ScimRequest,
    @Query('filter') filter: string | undefined,
    @Res() reply: FastifyReply,
  ): void {
    refuseFilter(filter);
    send(reply, 200, serviceProviderConfig(this.base(request)));
  }

  @Get('ResourceTypes')
  types(
    @Req() request: ScimRequest,
    @Query('filter') filter: string | undefined,
    @Res() reply: FastifyReply,
  ): void {
    refuseFilter(filter);
    sendAll(reply, [resourceTypeDocument(this.base(request), USER)]);
  }

  @Get('ResourceTypes/:name')
  type(@Req() request: ScimRequest, @Param('name') name: string, @Res() reply: FastifyReply): void {
    if (name.toLowerCase() !== 'user')
      throw new ScimError(404, `there is no resource type ${name.slice(0, 80)}`);
    send(reply, 200, resourceTypeDocument(this.base(request), USER));
  }

  @Get('Schemas')
  schemas(
    @Req() request: ScimRequest,
    @Query('filter') filter: string | undefined,
    @Res() reply: FastifyReply,
  ): void {
    refuseFilter(filter);
    sendAll(
      reply,
      [USER.schema, ...USER.extensions].map(schema => schemaDocument(this.base(request), schema)),
    );
  }

  @Get('Schemas/:id')
  schema(@Req() request: ScimRequest, @Param('id') id: string, @Res() reply: FastifyReply): void {
    const found = [USER.schema, ...USER.extensions].find(
      schema => schema.id.toLowerCase() === id.toLowerCase(),
    );
    if (!found) throw new ScimError(404, `there is no schema ${id.slice(0, 120)}`);
    send(reply, 200, schemaDocument(this.base(request), found));
  }

  @Post(DISCOVERY)
  refusePost(): void {
    refuseWrite();
  }

  @Put(DISCOVERY)
  refusePut(): void {
    refuseWrite();
  }

  @Patch(DISCOVERY)
  refusePatch(): void {
    refuseWrite();
  }

  @Delete(DISCOVERY)
  refuseDelete(): void {
    refuseWrite();
  }

  /** Identity providers look for groups when they test a connection: there are none. */
  @Get('Groups')
  groups(@Res() reply: FastifyReply): void {
    sendAll(reply, []);
  }

  @Get(['Groups/:id', 'Me'])
  notReadable(): void {
    notAvailable();
  }

  @Post(['Groups', 'Me', 'Bulk', '.search', 'Users/.search', 'Groups/.search'])
  notPostable(): void {
    notAvailable();
  }

  @Put(['Groups/:id', 'Me'])
  notPuttable(): void {
    notAvailable();
  }

  @Patch(['Groups/:id', 'Me'])
  notPatchable(): void {
    notAvailable();
  }

  @Delete(['Groups/:id', 'Me'])
  notDeletable(): void {
    notAvailable();
  }

  private base(request: ScimRequest): string {
    return `${this.context.policy.publicUrl}/scim/v2/${request.connection.id}`;
  }
}

function refuseWrite(): never {
  throw new ScimError(405, 'discovery is read-only');
}

function notAvailable(): never {
  throw new ScimError(501, 'this version serves Users only', undefined, 'not.available');
}

function refuseFilter(filter: string | undefined): void {
  if (filter !== undefined) throw new ScimError(403, 'discovery takes no filter (RFC 7644 section 4)');
}

const sendAll = (reply: FastifyReply, documents: JsonObject[]): void =>
  send(reply, 200, listResponse(documents, documents.length, { startIndex: 1, count: documents.length }));
