import type { ChartView } from '@nbtrack/shared/chart';
import { type ImagesView, WHOLE_IMAGES } from '@nbtrack/shared/images/images_view';
import { EMPTY_STATE, type TableState } from '@nbtrack/shared/protocol_table';
import type { ComparisonState } from '@nbtrack/shared/protocol_comparison';
import type { SortKey, Stage } from '@nbtrack/shared/requests';

/** What somebody has made of a view, as far as it is other than at the beginning. */
export interface Shown {
  table: Partial<TableState>;
  plots: Partial<ComparisonState>;
  chart: Partial<ChartView>;
  images: Partial<ImagesView>;
  selected: string[];
}

export const NOTHING: Shown = { table: {}, plots: {}, chart: {}, images: {}, selected: [] };

/** Longer selections would make an address that browsers and chats cut. */
const MOST_SELECTED = 50;
const LISTS = ['group'] as const;
const STAGES: readonly string[] = ['active', 'archived', 'deleted'] satisfies Stage[];
const PLOTS: ComparisonState = { metric: '', axes: [], log: {}, brushes: [], scatter: { x: '', y: '', colour: '', size: '' }, hidden: [] };
const CHART: ChartView = { x: 'auto', smoothing: 0, logX: false, logY: false, hidden: [], zoom: null };

/** Write what is shown as parameters of an address; those without a value are left out. */
export function parametersOf({ table, plots, chart, images, selected }: Shown): Record<string, string> {
  const lists = LISTS.map(name => [name, joined(table[name] ?? [])] as const);
  return {
    filter: table.filter ?? '',
    sort: joined((table.sort ?? []).map(([name, ascending]) => (ascending ? name : `-${name}`))),
    ...Object.fromEntries(lists),
    stage: table.stage === 'active' ? '' : (table.stage ?? ''),
    selected: selected.length > MOST_SELECTED ? '' : joined(selected),
    plots: json(differing(plots, PLOTS)),
    chart: json(differing(chart, CHART)),
    images: json(differing(images, WHOLE_IMAGES))
  };
}

/** Read what is shown from the parameters of an address; what makes no sense is left out. */
export function shownIn(parameters: URLSearchParams): Shown {
  const list = (name: string): string[] => split(parameters.get(name) ?? '');
  const table: Partial<TableState> = {};
  const filter = parameters.get('filter');
  const stage = parameters.get('stage') ?? '';
  if (filter) table.filter = filter;
  const sort = list('sort').map((key): SortKey => (key.startsWith('-') ? [key.slice(1), false] : [key, true]));
  if (sort.length > 0) table.sort = sort.filter(([name]) => name !== '');
  if (STAGES.includes(stage)) table.stage = stage as Stage;
  for (const name of LISTS) if (list(name).length > 0) table[name] = list(name);
  return {
    table,
    plots: object(parameters.get('plots'), PLOTS),
    chart: object(parameters.get('chart'), CHART),
    images: object(parameters.get('images'), WHOLE_IMAGES),
    selected: list('selected')
  };
}

/** What a table shows that is kept in an address. */
export function keptOf(state: TableState): Partial<TableState> {
  const { filter, sort, stage } = state;
  const lists = Object.fromEntries(LISTS.map(name => [name, state[name]]));
  return differing({ filter, sort, stage, ...lists }, EMPTY_STATE);
}

function differing<T extends object>(some: Partial<T>, all: T): Partial<T> {
  const kept = Object.entries(some).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(all[key as keyof T]));
  return Object.fromEntries(kept) as Partial<T>;
}

/** Names with commas between; those in a name are written as `%2C`. */
function joined(names: readonly string[]): string {
  return names.map(name => name.replace(/[%,]/g, encodeURIComponent)).join(',');
}

function split(text: string): string[] {
  return text
    .split(',')
    .filter(Boolean)
    .map(name => name.replace(/%(25|2C)/g, (_, code) => (code === '25' ? '%' : ',')));
}

function json(value: object): string {
  return Object.keys(value).length > 0 ? JSON.stringify(value) : '';
}

/** Read an object with the keys and the kinds of values of another one. */
function object<T extends object>(text: string | null, like: T): Partial<T> {
  let found: unknown;
  try {
    found = JSON.parse(text || '{}');
  } catch {
    return {};
  }
  if (typeof found !== 'object' || found === null) return {};
  const kept = Object.entries(found).filter(([key, value]) => key in like && isLike(value, like[key as keyof T]));
  return Object.fromEntries(kept) as Partial<T>;
}

function isLike(value: unknown, like: unknown): boolean {
  if (like === null) return Array.isArray(value) && value.length === 2 && value.every(Number.isFinite);
  return typeof value === typeof like && Array.isArray(value) === Array.isArray(like) && value !== null;
}
