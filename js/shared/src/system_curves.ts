import type { Backend } from './backend';
import { asF64 } from './binary';
import type { SeriesSet } from './series';
import type { SystemLoader } from './system_section';

/** Return what reads the machine's metrics of runs into the data of a chart; null where no run has any. */
export function systemLoader(backend: Backend | null | undefined, data: SeriesSet, runIds: readonly string[]): SystemLoader | null {
  if (!backend || runIds.length === 0) return null;
  return async () => {
    const { body, buffers } = await backend.ask('chart.runs', { run_ids: [...runIds], system: true });
    for (const id of runIds) data.removeSome(id, { system: true });
    data.add(body.series, asF64(buffers[0]), asF64(buffers[1]), asF64(buffers[2]));
  };
}
