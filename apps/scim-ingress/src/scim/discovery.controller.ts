import { Controller, Delete, Get, Param, Patch, Post, Put, Query, Req, Res, UseGuards } from '@nestjs/common';
import {
  GROUP,
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
import { send } from './scim-exchange.js';

const TYPES = [USER, GROUP];
const SCHEMAS = TYPES.flatMap(type => [type.schema, ...type.extensions]);

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
    sendAll(
      reply,
      TYPES.map(type => resourceTypeDocument(this.base(request), type)),
    );
  }

  @Get('ResourceTypes/:name')
  type(
    @Req() request: ScimRequest,
    @Param('name') name: string,
    @Query('filter') filter: string | undefined,
    @Res() reply: FastifyReply,
  ): void {
    refuseFilter(filter);
    const type = TYPES.find(known => known.name.toLowerCase() === name.toLowerCase());
    if (!type) throw new ScimError(404, `there is no resource type ${name.slice(0, 80)}`);
    send(reply, 200, resourceTypeDocument(this.base(request), type));
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
      SCHEMAS.map(schema => schemaDocument(this.base(request), schema)),
    );
  }

  @Get('Schemas/:id')
  schema(
    @Req() request: ScimRequest,
    @Param('id') id: string,
    @Query('filter') filter: string | undefined,
    @Res() reply: FastifyReply,
  ): void {
    refuseFilter(filter);
    const found = SCHEMAS.find(schema => schema.id.toLowerCase() === id.toLowerCase());
    if (!found) throw new ScimError(404, `there is no schema ${id.slice(0, 120)}`);
    send(reply, 200, schemaDocument(this.base(request), found));
  }

  @Get('Me')
  notReadable(): void {
    notAvailable();
  }

  @Post('Me')
  notPostable(): void {
    notAvailable();
  }

  @Put('Me')
  notPuttable(): void {
    notAvailable();
  }

  @Patch('Me')
  notPatchable(): void {
    notAvailable();
  }

  @Delete('Me')
  notDeletable(): void {
    notAvailable();
  }

  private base(request: ScimRequest): string {
    return this.context.scimBase(request.connection.id);
  }
}

function notAvailable(): never {
  throw new ScimError(501, 'a connection is nobody: name the user', undefined, 'not.available');
}

function refuseFilter(filter: string | undefined): void {
  if (filter !== undefined) throw new ScimError(403, 'discovery takes no filter (RFC 7644 section 4)');
}

const sendAll = (reply: FastifyReply, documents: JsonObject[]): void =>
  send(reply, 200, listResponse(documents, documents.length, { startIndex: 1 }));
