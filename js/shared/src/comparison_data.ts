import type { BackendResponse, Backend } from './backend';
import { asF64 } from './binary';
import { isSystemMetric } from './groups';
import type { Better, ComparisonState, ScopeRequest } from './protocol_comparison';
import type { ComparedKey, ComparedKind, ComparedRuns } from './requests';
import type { Brush } from './view_data';

/** The values of a param or metric, one per run. */
export interface DataColumn {
  name: string;
  kind: ComparedKind;
  /** Of a category, places in `categories`; NaN where there is no value. */
  values: Float64Array;
  categories: string[];
  direction: Better;
}

/** What is compared: runs, and the columns that are here of them. */
export class RunData {
  private readonly places: Map<string, number>;

  constructor(
    readonly ids: readonly string[],
    readonly names: readonly string[],
    readonly total: number,
    readonly available: readonly ComparedKey[],
    readonly columns: ReadonlyMap<string, DataColumn>
  ) {
    this.places = new Map(ids.map((id, place) => [id, place]));
  }

  static readonly empty = new RunData([], [], 0, [], new Map());

  static from({ body, buffers }: BackendResponse<ComparedRuns>): RunData {
    const columns = body.columns.map(column => ({ ...column, values: asF64(buffers[column.buffer]) }));
    return new RunData(body.run_ids, body.names, body.total, body.available, new Map(columns.map(c => [c.name, c])));
  }

  placeOf(id: string): number {
    return this.places.get(id) ?? -1;
  }

  nameOf(id: string): string {
    return this.names[this.placeOf(id)] ?? id.slice(0, 8);
  }

  /** The metrics there are, those of the machine last. */
  metrics(): string[] {
    const names = this.available.map(key => key.name).filter(name => name.startsWith('metrics.'));
    const machine = (name: string): number => Number(isSystemMetric(name.replace(/^metrics\./, '')));
    return names.sort((a, b) => machine(a) - machine(b));
  }
}

export async function askData(backend: Backend, scope: ScopeRequest, columns?: readonly string[]): Promise<RunData> {
  return RunData.from(await backend.ask('compare.data', { ...scope, ...(columns ? { columns } : {}) }));
}

/** The ids of the runs that all brushes hold; a column that is not here holds none. */
export function within(data: RunData, brushes: readonly Brush[]): string[] {
  const tests = brushes.map(brush => {
    const column = data.columns.get(brush.column);
    if (!column) return () => false;
    if ('values' in brush) {
      const places = new Set(brush.values.map(value => column.categories.indexOf(value)));
      return (i: number) => places.has(column.values[i]!);
    }
    return (i: number) => column.values[i]! >= brush.low && column.values[i]! <= brush.high;
  });
  return data.ids.filter((_, i) => tests.every(test => test(i)));
}

/** How a column is called: `params.lr` is `lr`. */
export function label(name: string): string {
  return name.replace(/^(params|metrics)\./, '');
}

/** Whether two lists have the same ids, in any order. */
export function same(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  const known = new Set(a);
  return b.every(id => known.has(id));
}

/** Choose what nobody has chosen: the metric that tells most, and the param that differs most against it. */
export function filledState(data: RunData, state: ComparisonState): ComparisonState {
  const known = new Set(data.available.map(key => key.name));
  const columns = [...data.columns.keys()];
  const metric = known.has(state.metric) ? state.metric : (columns.find(name => name.startsWith('metrics.')) ?? '');
  const params = data.available.filter(key => key.name.startsWith('params.') && data.columns.has(key.name));
  const x = params.filter(key => key.kind === 'number').sort((a, b) => b.values - a.values)[0] ?? params[0];
  const { axes, scatter } = state;
  return {
    ...state,
    metric,
    axes: axes.filter(name => known.has(name)),
    scatter: { ...scatter, x: known.has(scatter.x) ? scatter.x : (x?.name ?? metric), y: known.has(scatter.y) ? scatter.y : metric }
  };
}
