import { formatDuration, formatNumber } from './format';
import { plainLine } from './markdown';
import type { Better } from './protocol_comparison';
import type { DiffDataset, DiffEnvironment, DiffMetric, DiffRun } from './requests';

/** One thing of two runs; null where a run does not have it. */
export interface Pair {
  name: string;
  a: string | null;
  b: string | null;
  /** Whether the second run is better or worse, where that is known. */
  verdict?: 'better' | 'worse';
  note?: string;
}

export function differs(pair: Pair): boolean {
  return pair.a !== pair.b;
}

/** Lay two lists of names and values side by side: what both have comes first. */
export function pairs(a: readonly (readonly [string, string])[], b: readonly (readonly [string, string])[]): Pair[] {
  const [first, second] = [new Map(a), new Map(b)];
  const names = [...new Set([...first.keys(), ...second.keys()])];
  const both = names.map(name => ({ name, a: first.get(name) ?? null, b: second.get(name) ?? null }));
  return [...both.filter(p => p.a !== null && p.b !== null), ...both.filter(p => p.a === null || p.b === null)];
}

export function metricPairs(a: readonly DiffMetric[], b: readonly DiffMetric[]): Pair[] {
  const known = new Map([...a, ...b].map(metric => [metric.key, metric.direction]));
  const of = (metrics: readonly DiffMetric[]): Map<string, number | string | null> => new Map(metrics.map(m => [m.key, m.last]));
  const [first, second] = [of(a), of(b)];
  return [...known].map(([name, direction]) => {
    const [x, y] = [first.get(name), second.get(name)];
    const pair: Pair = { name, a: x === undefined ? null : text(x), b: y === undefined ? null : text(y) };
    if (typeof x === 'number' && typeof y === 'number') Object.assign(pair, judged(x, y, direction));
    return pair;
  });
}

function text(value: number | string | null): string {
  return typeof value === 'string' ? value : formatNumber(value);
}

function judged(x: number, y: number, direction: Better): Pick<Pair, 'verdict' | 'note'> {
  if (x === y) return {};
  const share = x !== 0 && x * y >= 0 ? (100 * (y - x)) / Math.abs(x) : NaN;
  const change = y - x;
  const note = Number.isFinite(share) && Math.abs(share) < 1000 ? `${share > 0 ? '+' : ''}${formatNumber(share, 2)} %` : `${change > 0 ? '+' : ''}${formatNumber(change, 3)}`;
  return direction === null ? { note } : { note, verdict: change < 0 === (direction === 'min') ? 'better' : 'worse' };
}

export function environmentPairs(a: DiffEnvironment | null, b: DiffEnvironment | null): Pair[] {
  const facts = (e: DiffEnvironment | null): [string, string][] => {
    if (!e) return [];
    const git = e.git?.commit ? `${e.git.commit.slice(0, 10)}${e.git.dirty ? ', changed since' : ''}${e.git.branch ? ` (${e.git.branch})` : ''}` : '';
    const all: [string, string][] = [['python', e.python], ['platform', e.platform], ['GPU', e.gpu], ['git', git]];
    return all.filter(([, value]) => value !== '');
  };
  return pairs(facts(a), facts(b));
}

/** Packages that both runs had imported: that one had not says nothing of what was installed. */
export function packagePairs(a: DiffEnvironment | null, b: DiffEnvironment | null): Pair[] {
  const known = (packages: Record<string, string> = {}): [string, string][] =>
    Object.entries(packages).filter(([name]) => !a || !b || (name in a.packages && name in b.packages));
  return pairs(known(a?.packages), known(b?.packages));
}

export function datasetPairs(a: readonly DiffDataset[], b: readonly DiffDataset[]): Pair[] {
  const facts = (all: readonly DiffDataset[]): [string, string][] =>
    all.map(d => [d.context ? `${d.name} (${d.context})` : d.name, [d.digest, d.rows === null ? '' : `${formatNumber(d.rows)} rows`].filter(Boolean).join(', ')]);
  return pairs(facts(a), facts(b));
}

export function aboutPairs(a: DiffRun, b: DiffRun): Pair[] {
  const facts = (run: DiffRun): [string, string][] => {
    const all: [string, string][] = [
      ['state', run.state.toLowerCase()],
      ['duration', formatDuration(run.duration_s)],
      ['experiment', run.experiment],
      ['note', plainLine(run.note)],
      ...run.tags.map(([key, value]): [string, string] => [`tag ${key}`, value])
    ];
    return all.filter(([, value]) => value !== '');
  };
  return pairs(facts(a), facts(b));
}
