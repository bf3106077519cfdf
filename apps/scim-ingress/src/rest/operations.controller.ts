import { Body, Controller, Get, Put, Req, UseGuards } from '@nestjs/common';
import { SWITCH_CHANNEL, readKillSwitch, setKillSwitch, type KillSwitch } from '@sever/directory';
import { makeEvent, newEventId } from '@sever/event-contracts';
import { toRecord } from '@sever/event-log';
import { connectorOverview, type ConnectorOverview } from '@sever/read-models';
import { IngressContext } from '../ingress-context.js';
import { ApiAuthGuard, type ApiRequest } from './api-auth.guard.js';
import { killSwitchBodySchema, parseBody } from './request-bodies.js';

/** How the connectors are, and the switches of operators. */
@Controller('v1')
@UseGuards(ApiAuthGuard)
export class OperationsController {
  constructor(private readonly context: IngressContext) {}

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
}
