import { Body, Controller, Get, HttpCode, Post, Put, Query, Req, UseGuards } from '@nestjs/common';
import {
  SWITCH_CHANNEL,
  bindInstance,
  createConnection,
  isOptedOut,
  readKillSwitch,
  setKillSwitch,
  type KillSwitch,
} from '@sever/directory';
import { makeEvent, newEventId } from '@sever/event-contracts';
import { toRecord } from '@sever/event-log';
import { connectorOverview, type ConnectorOverview } from '@sever/read-models';
import { normaliseUserName } from '@sever/scim';
import { randomBytes } from 'node:crypto';
import { HttpProblem } from '../http-problem.js';
import { IngressContext } from '../ingress-context.js';
import { ApiAuthGuard, type ApiRequest } from './api-auth.guard.js';
import { connectionBodySchema, killSwitchBodySchema, parseBody } from './request-bodies.js';

/** Questions other doors ask, and the switches of operators. */
@Controller('v1')
@UseGuards(ApiAuthGuard)
export class OperationsController {
  constructor(private readonly context: IngressContext) {}

  @Get('subjects/opted-out')
  optedOut(
    @Query('tenant') tenant: string | undefined,
    @Query('userName') userName: string | undefined,
  ): Promise<{ optedOut: boolean; since: string | null }> {
    if (!tenant || !userName)
      throw new HttpProblem(400, 'request.invalid', 'tenant and userName are required');
    return isOptedOut(this.context.dataSource, tenant, normaliseUserName(userName));
  }

  @Get('connectors')
  connectors(): Promise<ConnectorOverview[]> {
    return connectorOverview(this.context.dataSource);
  }

  @Get('kill-switch')
  killSwitch(): Promise<KillSwitch> {
    return readKillSwitch(this.context.dataSource);
  }

  @Put('kill-switch')
  async setKillSwitch(@Req() request: ApiRequest, @Body() body: unknown): Promise<KillSwitch> {
    const { on } = parseBody(killSwitchBodySchema, body);
    const actor = { kind: 'operator', id: request.caller.principal } as const;
    await this.context.dataSource.transaction(async em => {
      if (!(await setKillSwitch(em, on, actor.id))) return;
      const event = makeEvent({
        type: on ? 'sever.kill-switch.turned-on.v1' : 'sever.kill-switch.turned-off.v1',
        id: newEventId(),
        source: '/api',
        tenant: '-',
        subject: '-',
        time: new Date(),
        // The reason stays out of the log: there is no person under whose key it could be kept.
        data: { actor, target: { kind: 'pipeline', id: 'kill-switch' }, reason: null },
      });
      await this.context.writer.append(em, [toRecord(event)]);
    });
    this.context.writer.wake();
    await this.context.dataSource.query(`select pg_notify('${SWITCH_CHANNEL}', '')`);
    return readKillSwitch(this.context.dataSource);
  }

  @Post('connections')
  @HttpCode(201)
  async createConnection(
    @Body() body: unknown,
  ): Promise<{ id: string; tenant: string; dialect: string; baseUrl: string; token: string }> {
    const wanted = parseBody(connectionBodySchema, body);
    const id = wanted.id ?? `${wanted.dialect}-${randomBytes(4).toString('hex')}`;
    const rateLimit = wanted.rateLimit === 'off' ? UNLIMITED : (wanted.rateLimit ?? null);
    const { connection, token } = await this.context.dataSource.transaction(async em => {
      const made = await createConnection(em, {
        id,
        tenant: wanted.tenant,
        dialect: wanted.dialect,
        rateLimit,
      });
      for (const instance of wanted.bind ?? [])
        await bindInstance(em, { tenant: wanted.tenant, instance, match: { by: 'userName' } });
      return made;
    });
    return {
      id,
      tenant: connection.tenant,
      dialect: connection.dialect,
      baseUrl: `${this.context.policy.publicUrl}/scim/v2/${id}`,
      token,
    };
  }
}

/** Stored for connections without a limit of their own choosing: more than any client can send. */
const UNLIMITED = 1_000_000;
