import { runStyles, shade } from './colours';
import type { Detail } from './detail';
import { byName } from './format';
import { groupRank, isSystemMetric, parseMetric, plotOf } from './groups';
import type { LegendEntry } from './legend';
import { resolveX, type XKind, xValues } from './points';
import type { XMode } from './protocol';
import type { RunRef } from './requests';
import type { SeriesSet } from './series';
import { colourOf, dashOf, type Theme } from './theme';
import type { Line } from './traces';

export interface Given {
  data: SeriesSet;
  runs: readonly RunRef[];
  theme: Theme;
  x: XMode;
  /** What the legend hides. */
  hidden: ReadonlySet<string>;
  detail: Detail | null;
  /** `run`: a run keeps its colour where it is the only one, too; splits are told by dashes. */
  colourBy?: ColourBy;
}

/** `auto`: by run where there are several, else by split. */
export type ColourBy = 'run' | 'auto';

/** What a chart shows: lines by plot, and what the toolbar and the legend say. */
export interface Arranged {
  groups: Map<string, Line[]>;
  /** Groups of which no curve has more than one point, hidden ones too: their values are listed. */
  listed: Set<string>;
  entries: LegendEntry[];
  kind: XKind;
  /** That of the machine's metrics: the time, for their steps only count. */
  systemKind: XKind;
  /** Groups that have points and no steps, beside others that have: they are drawn over time. */
  stepless: Set<string>;
  /** Metrics that may be the x axis. */
  metrics: string[];
  /** Time of the first point of each run, ms since the epoch. */
  starts: Map<string, number>;
  several: boolean;
}

const SPLIT_ORDER = ['train', '', 'val', 'test'];
const SPLIT_COLOUR: Record<string, number> = { '': 0, train: 0, val: 1, test: 2 };
const BASELINE_DASHES: Partial<Record<string, string>> = { last: '3px,3px', best: '6px,2px,1px,2px' };
/** Of a run again: it lies on the curve that it should be. */
const AGAIN_DASH = '6px,4px';
const MANY = 12;
const VERY_MANY = 40;

/** Say which line goes where and how it looks. */
export function arrange({ data, runs, theme, x, hidden, detail, colourBy = 'auto' }: Given): Arranged {
  const starts = new Map<string, number>();
  const present = new Set<string>();
  for (const series of data) {
    present.add(series.run);
    const first = series.time[0];
    if (first !== undefined) starts.set(series.run, Math.min(first, starts.get(series.run) ?? Infinity));
  }
  const order = new Map(runs.map((run, i) => [run.id, i]));
  const main = runs.filter(run => !isBaseline(run) && present.has(run.id));
  const several = main.length > 1 || (colourBy === 'run' && main.length > 0);
  const styles = several ? runStyles(main.map(run => run.id), theme.palette.length) : new Map<string, never>();
  const kind = resolveX(x, [...data].filter(series => !isSystemMetric(series.key)));
  const systemKind = kind === 'time' ? 'time' : 'relative';
  const stepless = x === 'auto' && kind === 'step' ? steplessGroups(data) : new Set<string>();
  const thick = main.length > VERY_MANY ? 0.9 : main.length > MANY ? 1.3 : 1.8;
  const opacity = main.length > VERY_MANY ? 0.6 : 1;
  const plotted = new Set([...data].filter(series => series.n > 1).map(series => plotOf(series.key).group));
  const splits = new Set<string>(); // a list of values names its own
  for (const series of data) {
    const run = runs[order.get(series.run) ?? -1];
    if (isSystemMetric(series.key) || !plotted.has(plotOf(series.key).group)) continue;
    if (!run || !isBaseline(run)) splits.add(parseMetric(series.key).split);
  }
  const groups = new Map<string, Line[]>();
  const ranks = new Map<Line, number>();
  const parts = partsOf(data);
  for (const series of data) {
    const run = runs[order.get(series.run) ?? -1];
    const { group, split, part } = plotOf(series.key);
    const ownKind = isSystemMetric(series.key) ? systemKind : stepless.has(group) ? 'relative' : kind;
    if (kind === 'metric' && series.key === x) continue; // a metric against itself says nothing
    let lines = groups.get(group);
    if (!lines) groups.set(group, (lines = []));
    if (hidden.has(`run:${series.run}`) || hidden.has(`split:${split}`)) continue;
    const baseline = run !== undefined && isBaseline(run);
    const points = detail && kind !== 'metric' && ownKind === kind && !baseline ? detail.merged(series, kind) : series;
    const start = starts.get(series.run) ?? 0;
    const rank = Math.max(0, SPLIT_ORDER.indexOf(split));
    const place = parts.get(group)?.indexOf(part) ?? SPLIT_COLOUR[split] ?? rank;
    const style = styles.get(series.run);
    const line: Line = {
      points,
      x: xValues(points, ownKind, start, ownKind === 'metric' ? data.get(series.run, x) : undefined),
      label: several ? [run?.name ?? series.run, split || part].filter(Boolean).join(' ') : split || part,
      short: split || part,
      colour:
        style && !baseline
          ? shade(colourOf(theme, style.colour), style.repeat, theme.dark)
          : colourOf(theme, place),
      dash: dashFor(run, several, splits.size > 1 || (parts.get(group)?.length ?? 0) > 1 ? place : (style?.repeat ?? 0), main.length),
      isBaseline: baseline,
      width: baseline ? 1.3 : thick,
      opacity: baseline ? 0.5 : opacity
    };
    ranks.set(line, (baseline ? 0 : 1000) + (parts.has(group) ? place : SPLIT_ORDER.indexOf(split)) + (order.get(series.run) ?? 0) * 10);
    lines.push(line);
  }
  for (const lines of groups.values()) lines.sort((a, b) => ranks.get(a)! - ranks.get(b)!);
  const entries: LegendEntry[] = [
    ...(several ? main : []).map(run => {
      const { colour = 0, repeat = 0 } = styles.get(run.id) ?? {};
      return entry(run, shade(colourOf(theme, colour), repeat, theme.dark), run.role === 'again' ? AGAIN_DASH : splits.size > 1 || main.length > VERY_MANY ? 'solid' : dashOf(repeat));
    }),
    ...splitEntries(splits, several, theme),
    ...runs.filter(run => isBaseline(run) && present.has(run.id)).map(run => entry(run, 'currentColor', BASELINE_DASHES[run.role] ?? ''))
  ];
  return {
    groups: new Map([...groups].sort(([a], [b]) => groupRank(a) - groupRank(b))),
    listed: new Set([...groups.keys()].filter(group => !plotted.has(group))),
    entries,
    kind,
    systemKind,
    stepless,
    metrics: [...new Set([...data].map(series => series.key))].filter(key => !isSystemMetric(key)),
    starts,
    several
  };
}

/** The groups of which a curve has several points, at several times, and each curve one step. */
function steplessGroups(data: SeriesSet): Set<string> {
  const found = new Set<string>();
  const stepping = new Set<string>();
  for (const { key, n, step, time } of data) {
    const { group } = plotOf(key);
    if (n < 2 || isSystemMetric(key)) continue;
    if (step.some(each => each !== step[0])) stepping.add(group);
    else if (time[0] !== time[n - 1]) found.add(group);
  }
  return new Set([...found].filter(group => !stepping.has(group)));
}

/** The nodes and GPUs whose curves share a plot, in their order. */
function partsOf(data: SeriesSet): Map<string, string[]> {
  const parts = new Map<string, Set<string>>();
  for (const { key } of data) {
    if (!isSystemMetric(key)) continue;
    const { group, part } = plotOf(key);
    parts.set(group, (parts.get(group) ?? new Set()).add(part));
  }
  return new Map([...parts].map(([group, found]) => [group, [...found].sort(byName)]));
}

/** Whether a run stands behind the others, for comparison. */
export function isBaseline(run: RunRef): boolean {
  return BASELINE_DASHES[run.role] !== undefined;
}

/** Of one run, the split is told by colour and dash; of several, by the dash; of very many, by nothing. */
function dashFor(run: RunRef | undefined, several: boolean, place: number, count: number): string {
  if (run && isBaseline(run)) return BASELINE_DASHES[run.role]!;
  if (run?.role === 'again') return AGAIN_DASH;
  return several && count > VERY_MANY ? 'solid' : dashOf(place);
}

function entry(run: RunRef, colour: string, dash: string): LegendEntry {
  return { id: `run:${run.id}`, name: isBaseline(run) ? `${run.role} run: ${run.name}` : run.name, colour, dash };
}

function splitEntries(splits: ReadonlySet<string>, several: boolean, theme: Theme): LegendEntry[] {
  if (splits.size < 2) return [];
  return SPLIT_ORDER.filter(split => split !== '' && splits.has(split)).map(split => ({
    id: `split:${split}`,
    name: split,
    colour: several ? 'currentColor' : colourOf(theme, SPLIT_COLOUR[split] ?? 0),
    dash: dashOf(SPLIT_COLOUR[split] ?? 0)
  }));
}
