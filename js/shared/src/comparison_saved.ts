import type { BackendResponse, Backend, Body, Params, RequestName } from './backend';
import { SavedRows } from './finished_table';
import { byName } from './format';
import { isSystemMetric } from './groups';
import type { ComparedColumn, ComparedImages, ComparedKey, ComparedRuns, CurvesParams, DataParams, DiffMetric, DiffParams, DiffRun, ImagesParams, Importance, ImportanceParams, RunRef, RunState, SeriesHead } from './requests';
import type { Cell } from './rows';
import { type SeriesSet, unpackCurves } from './series';
import type { SavedComparison } from './view_data';

/** Responds to the requests of a comparison from what was saved of it. */
export class SavedBackend implements Backend {
  private readonly rows: SavedRows;
  private curves: Promise<SeriesSet> | null = null;

  constructor(private readonly saved: SavedComparison) {
    this.rows = new SavedRows(saved.table);
  }

  async ask<N extends RequestName>(type: N, params: Params<N>): Promise<BackendResponse<Body<N>>> {
    return (await this.respond(type, params)) as BackendResponse<Body<N>>;
  }

  private async respond(type: RequestName, params: object): Promise<BackendResponse<unknown>> {
    if (type === 'compare.data') return this.data(params);
    if (type === 'compare.importance') return { body: this.importance((params as ImportanceParams).metric ?? ''), buffers: [] };
    if (type === 'compare.images') return { body: this.images((params as ImagesParams).run_ids), buffers: [] };
    if (type === 'compare.diff') {
      const { a, b } = params as DiffParams;
      return { body: { a: this.facts(a), b: this.facts(b) }, buffers: [] };
    }
    if (type === 'chart.runs') return this.chart((params as CurvesParams).run_ids);
    return this.rows.respond(type, params);
  }

  private async data({ filter, columns: names }: DataParams): Promise<BackendResponse<ComparedRuns>> {
    const { table, keys } = this.saved;
    const { body } = await this.rows.ask('table.ids', { columns: [], filter: filter ?? '', sort: table.sort });
    const kept = new Set(body.run_ids);
    const places = table.run_ids.flatMap((id, i) => (kept.has(id) ? [i] : []));
    const buffers: DataView[] = [];
    const columns = (names ?? firstColumns(keys)).flatMap((name): ComparedColumn[] => {
      const key = keys.find(other => other.name === name);
      if (!key || !table.values[name]) return [];
      const cells = places.map(i => table.values[name]![i] ?? null);
      const categories = key.kind === 'category' ? categoriesOf(table.values[name]) : [];
      const numbers = Float64Array.from(cells, cell => (cell === null ? NaN : key.kind === 'category' ? categories.indexOf(String(cell)) : numberOf(cell)));
      buffers.push(new DataView(numbers.buffer));
      const missing = cells.flatMap((cell, i) => (cell === null ? [i] : []));
      return [{ name, kind: key.kind, buffer: buffers.length - 1, categories, missing, direction: key.direction }];
    });
    const text = (name: string): string[] => places.map(i => String(table.values[name]?.[i] ?? ''));
    const response = { run_ids: places.map(i => table.run_ids[i]!), names: text('run_name'), states: text('status') as RunState[], total: places.length, available: keys, columns };
    return { body: response, buffers };
  }

  private importance(metric: string): Importance {
    const key = metric.replace(/^metrics\./, '');
    const found = this.saved.importance.find(response => response.metric === key);
    const message = `The importance of params for ${key} was not saved; it takes nbtrack.param_importance(${JSON.stringify(key)}) in Python.`;
    return found ?? { metric: key, direction: null, runs: 0, excluded: 0, message, methods: [], score: null, score_sd: null, params: [] };
  }

  private images(ids: readonly string[]): ComparedImages {
    const withImages = ids.filter(id => this.saved.with_images?.includes(id)).length; // older outputs do not say it
    if (withImages === 0) return { runs: [], note: '' };
    const whose = withImages === ids.length ? 'These runs have' : `${withImages} of these ${ids.length} runs ${withImages === 1 ? 'has' : 'have'}`;
    return { runs: [], note: `${whose} images, which were not saved with it; nbtrack.compare() shows them.` };
  }

  private facts(id: string): DiffRun {
    const { facts, table } = this.saved;
    const found = facts?.runs[id];
    if (facts && found) {
      const environment = found.environment === null ? null : (facts.environments[found.environment] ?? null);
      return { ...found, environment, source: found.source === null ? null : (facts.sources[found.source] ?? null) };
    }
    const i = table.run_ids.indexOf(id);
    const cell = (name: string): Cell => table.values[name]?.[i] ?? null;
    const of = (family: string): string[] => Object.keys(table.values).filter(name => name.startsWith(`${family}.`) && cell(name) !== null);
    const metrics = of('metrics').map((name): DiffMetric => {
      const direction = this.saved.keys.find(key => key.name === name)?.direction ?? null;
      return { key: name.slice(8), last: cell(name), min: null, max: null, step: 0, direction };
    });
    return {
      run_id: id,
      name: String(cell('run_name') ?? id),
      experiment: '',
      state: (cell('status') ?? 'FINISHED') as RunState,
      start_ms: Number(cell('start_time')),
      duration_s: cell('duration') as number | null,
      note: String(cell('note') ?? ''),
      params: of('params').map(name => [name.slice(7), String(cell(name))]),
      tags: [],
      metrics,
      datasets: [],
      environment: null,
      source: null
    };
  }

  private async chart(ids: readonly string[]): Promise<BackendResponse<{ runs: RunRef[]; series: SeriesHead[]; note: string }>> {
    const { table } = this.saved;
    const all = [...(await (this.curves ??= unpackCurves(this.saved.curves)))].filter(series => ids.includes(series.run));
    const runs = ids.flatMap((id): RunRef[] => {
      const i = table.run_ids.indexOf(id);
      const state = (table.values['status']?.[i] ?? 'FINISHED') as RunState;
      return i < 0 ? [] : [{ id, name: String(table.values['run_name']?.[i] ?? id), role: 'plain', state: state === 'RUNNING' ? 'FINISHED' : state }];
    });
    const series = all.map(({ run, key, n }) => ({ run, key, n, total: n }));
    const column = (name: 'step' | 'time' | 'value'): DataView => {
      const joined = new Float64Array(all.reduce((sum, s) => sum + s.n, 0));
      let at = 0;
      for (const one of all) {
        joined.set(one[name], at);
        at += one.n;
      }
      return new DataView(joined.buffer);
    };
    const logged = (id: string): boolean => this.facts(id).metrics.length > 0;
    const note = ids.some(logged) ? 'The curves of these runs were not saved with it; nbtrack.compare() shows them.' : '';
    return { body: { runs, series, note }, buffers: [column('step'), column('time'), column('value')] };
  }
}

const MOST_PARAMS = 8;
const MOST_CATEGORIES = 40;

/** As `default_columns` in `nbtrack.views.comparison.data`. */
function firstColumns(keys: readonly ComparedKey[]): string[] {
  const params = keys.filter(key => key.name.startsWith('params.') && key.differs && (key.kind === 'number' || key.values <= MOST_CATEGORIES));
  const metrics = keys.filter(key => key.name.startsWith('metrics.') && !isSystemMetric(key.name.slice('metrics.'.length)));
  return [...params.slice(0, MOST_PARAMS), ...metrics].map(key => key.name);
}

function categoriesOf(cells: readonly Cell[]): string[] {
  const names = new Set(cells.filter(cell => cell !== null).map(String));
  return [...names].sort(byName);
}

/** JSON has no infinities; they were saved as text. */
function numberOf(cell: string | number): number {
  if (cell === '∞') return Infinity;
  return cell === '−∞' ? -Infinity : Number(cell);
}
