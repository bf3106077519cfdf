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
  UseGuards,
} from '@nestjs/common';
import {
  activePeople,
  casesOf,
  countActivePeople,
  isUuid,
  listConnections,
  refusalsOf,
  requireTenant,
  unknownConnection,
  type ActivePerson,
  type ConnectionView,
  type RebindCase,
  type RefusalView,
} from '@sever/directory';
import { HttpProblem } from '../../http-problem.js';
import { IngressContext } from '../../ingress-context.js';
import { ApiAuthGuard, type ApiRequest } from '../api-auth.guard.js';
import {
  changeBodySchema,
  clientBodySchema,
  connectionBodySchema,
  issuerBodySchema,
  rebindBodySchema,
  retireBodySchema,
  rotateBodySchema,
} from './connection-bodies.js';
import { ConnectionCommands, type MadeConnection, type Retired } from './connection-commands.js';
import { CredentialCommands, type MadeClient, type Rotated } from './credential-commands.js';
import { pageSize } from '../page-size.js';
import { parseBody } from '../request-bodies.js';

const PAGE = { usual: 100, max: 500 };

/** Identity providers' ties: who may speak, with what proof, and how that ends. */
@Controller('v1/connections')
@UseGuards(ApiAuthGuard)
export class ConnectionsController {
  constructor(
    private readonly context: IngressContext,
    private readonly commands: ConnectionCommands,
    private readonly credentials: CredentialCommands,
  ) {}

  @Post()
  @HttpCode(201)
  create(@Req() request: ApiRequest, @Body() body: unknown): Promise<MadeConnection> {
    return this.commands.create(request.caller.principal, parseBody(connectionBodySchema, body));
  }

  @Get()
  async list(@Query('tenant') tenant: string | undefined): Promise<{ items: ConnectionView[] }> {
    if (tenant !== undefined) await requireTenant(this.context.dataSource, tenant);
    return { items: await listConnections(this.context.dataSource, tenant === undefined ? {} : { tenant }) };
  }

  @Get(':id')
  async get(@Param('id') id: string): Promise<ConnectionView & { activePeople: number }> {
    const found = await this.find(id);
    return { ...found, activePeople: await countActivePeople(this.context.dataSource, id) };
  }

  @Patch(':id')
  async change(
    @Req() request: ApiRequest,
    @Param('id') id: string,
    @Body() body: unknown,
  ): Promise<ConnectionView> {
    await this.commands.change(id, request.caller.principal, parseBody(changeBodySchema, body));
    return this.find(id);
  }

  /** Namesakes of whom an operator must say whether they are the same person. */
  @Get(':id/rebinds')
  async rebinds(@Param('id') id: string): Promise<{ items: RebindCase[] }> {
    await this.find(id);
    return { items: await casesOf(this.context.dataSource, id) };
  }

  @Put(':id/rebinds/:case')
  decideRebind(
    @Req() request: ApiRequest,
    @Param('id') id: string,
    @Param('case') question: string,
    @Body() body: unknown,
  ): Promise<RebindCase> {
    const wanted = parseBody(rebindBodySchema, body);
    return this.commands.decideRebind(id, request.caller.principal, question, wanted);
  }

  /** Who is still active through it: those a retirement needs a decision for. */
  @Get(':id/people')
  async people(
    @Param('id') id: string,
    @Query('cursor') cursor: string | undefined,
    @Query('limit') limit: string | undefined,
  ): Promise<{ items: ActivePerson[]; next: string | null }> {
    await this.find(id);
    if (cursor !== undefined && !isUuid(cursor))
      throw new HttpProblem(400, 'request.invalid', 'cursor must come from the page before');
    return activePeople(this.context.dataSource, id, {
      limit: pageSize(limit, PAGE),
      ...(cursor !== undefined && { after: cursor }),
    });
  }

  /** What it sent that was refused, by form: how to see that an identity provider speaks in a way that is not known yet. */
  @Get(':id/refusals')
  async refusals(@Param('id') id: string): Promise<{ items: RefusalView[] }> {
    await this.find(id);
    return { items: await refusalsOf(this.context.dataSource, id) };
  }

  @Post(':id/rotate')
  @HttpCode(201)
  rotate(@Req() request: ApiRequest, @Param('id') id: string, @Body() body: unknown): Promise<Rotated> {
    return this.credentials.rotate(id, request.caller.principal, parseBody(rotateBodySchema, body));
  }

  @Post(':id/clients')
  @HttpCode(201)
  addClient(@Req() request: ApiRequest, @Param('id') id: string, @Body() body: unknown): Promise<MadeClient> {
    return this.credentials.addClient(id, request.caller.principal, parseBody(clientBodySchema, body));
  }

  @Delete(':id/clients/:client')
  @HttpCode(204)
  removeClient(
    @Req() request: ApiRequest,
    @Param('id') id: string,
    @Param('client') client: string,
  ): Promise<void> {
    return this.credentials.removeClient(id, request.caller.principal, client);
  }

  @Put(':id/issuers')
  async putIssuer(
    @Req() request: ApiRequest,
    @Param('id') id: string,
    @Body() body: unknown,
  ): Promise<ConnectionView> {
    await this.credentials.putIssuer(id, request.caller.principal, parseBody(issuerBodySchema, body));
    return this.find(id);
  }

  @Delete(':id/issuers')
  @HttpCode(204)
  removeIssuer(
    @Req() request: ApiRequest,
    @Param('id') id: string,
    @Query('issuer') issuer: string | undefined,
  ): Promise<void> {
    return this.credentials.removeIssuer(id, request.caller.principal, issuer ?? '');
  }

  @Post(':id/retire')
  @HttpCode(200)
  retire(@Req() request: ApiRequest, @Param('id') id: string, @Body() body: unknown): Promise<Retired> {
    return this.commands.retire(id, request.caller.principal, parseBody(retireBodySchema, body));
  }

  private async find(id: string): Promise<ConnectionView> {
    const [found] = await listConnections(this.context.dataSource, { id });
    if (!found) throw unknownConnection(id);
    return found;
  }
}
