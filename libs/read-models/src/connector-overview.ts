import { rows, type Queryable } from '@sever/postgres';

/** One connector instance as operators see it. `oldestUncutSeconds`: age of the oldest opt-out it has not cut. */
export type ConnectorOverview = {
  connector: string;
  health: 'up' | 'degraded' | 'paused';
  breaker: 'closed' | 'open' | 'halfOpen';
  lag: number;
  parked: number;
  retrying: number;
  oldestUncutSeconds: number;
};

type Row = {
  connector: string;
  breaker: ConnectorOverview['breaker'];
  lag: string;
  parked: string;
  retrying: string;
  stale: boolean;
  uncut: string;
};

/** Seconds without a sign of life after which an instance no longer counts as up. */
const STALE_SECONDS = 15;

export async function connectorOverview(on: Queryable): Promise<ConnectorOverview[]> {
  const found = await rows<Row>(
    on,
    `select i.id as connector, coalesce(h.breaker, 'closed') as breaker, coalesce(h.lag, 0) as lag, coalesce(h.parked, 0) as parked,
            coalesce(h.retrying, 0) as retrying,
            h.updated_at is null or h.updated_at < clock_timestamp() - interval '${STALE_SECONDS} seconds' as stale,
            coalesce((select extract(epoch from clock_timestamp() - min(o.requested_at)) from rm_opt_out o
              where o.phase = 'cutting' and o.state -> 'instances' @> jsonb_build_array(jsonb_build_object('instance', i.id))
                and not exists (select 1 from rm_instance r where r.opt_out_id = o.opt_out_id and r.instance = i.id
                                 and r.state -> 'finished' ? 'cut')), 0) as uncut
       from instance i left join connector_health h on h.instance = i.id order by i.id`,
  );
  return found.map(r => ({
    connector: r.connector,
    health: healthOf(r),
    breaker: r.breaker,
    lag: Number(r.lag),
    parked: Number(r.parked),
    retrying: Number(r.retrying),
    oldestUncutSeconds: Math.max(0, Math.round(Number(r.uncut))),
  }));
}

function healthOf(r: Row): ConnectorOverview['health'] {
  if (r.breaker === 'open') return 'paused';
  return r.stale || r.breaker === 'halfOpen' || Number(r.parked) > 0 ? 'degraded' : 'up';
}
