import type { ICellRendererParams } from 'ag-grid-community';
import { h } from './dom';
import { plainLine } from './markdown';
import { counted, formatNumber } from './format';
import { stateBadge } from './state';
import type { Column, RunState } from './requests';
import { cellText, heading, type Row } from './rows';
import { verdictSign, warningSign } from './verdict_sign';

export type CellParams = ICellRendererParams<Row>;

/** What the cells need to know of their table. */
export interface CellContext {
  selected(id: string): boolean;
  groupSelected(key: string): boolean;
  expanded(key: string): boolean;
  curve(runId: string, key: string): Float64Array | null | undefined;
  /** Whether the details of a run can be opened from its name, and the address that they have. */
  opens: boolean;
  metricsOpen: boolean;
  address?(runId: string): string;
}

export function textOf(row: Row | undefined, column: Column): string {
  if (!row) return '';
  const value = row.cells[column.name];
  if (column.name === 'note' && typeof value === 'string') return plainLine(value);
  return cellText(value, column.kind, row.spread?.[column.name]);
}

/** The box that selects a row. */
export function selectCell(context: CellContext): (params: CellParams) => HTMLElement {
  return ({ data }) => {
    if (!data) return h('span', {});
    const checked = data.group ? context.groupSelected(data.group.key) : context.selected(data.id);
    const what = data.group ? data.group.label : String(data.cells['run_name'] ?? 'run');
    return h('span', { class: 'nbt-box', role: 'checkbox', 'aria-checked': String(checked), 'aria-label': `Select ${what}`, 'data-select': true });
  };
}

/** The name of a run, or of a group with how many runs it has. */
export function nameCell(context: CellContext): (params: CellParams) => HTMLElement {
  return ({ data }) => {
    if (!data) return h('span', { class: 'nbt-loading' });
    const { group } = data;
    if (group) {
      const open = context.expanded(group.key);
      return h(
        'span',
        { class: 'nbt-group', 'data-toggle': group.key, 'aria-expanded': String(open), role: 'button', title: group.label },
        h('span', { class: 'nbt-chevron', 'aria-hidden': 'true' }, open ? '▾' : '▸'),
        h('span', { class: 'nbt-grouplabel' }, group.label),
        h('span', { class: 'nbt-n' }, counted(group.runs, 'run'))
      );
    }
    const name = String(data.cells['run_name'] ?? '');
    const element = h('span', { class: data.child ? 'nbt-runname nbt-child' : 'nbt-runname' }, nameOf(context, data.id, name));
    if (data.warnings) element.append(warningSign(data.warnings));
    return element;
  };
}

/** A name that opens its run: a link where the details have an address. From the keyboard, Enter opens. */
function nameOf({ opens, address }: CellContext, id: string, name: string): HTMLElement {
  if (!opens) return h('span', { class: 'nbt-nametext' }, name);
  const given = { class: 'nbt-nametext nbt-open', 'data-open': id, title: `Open ${name}`, tabindex: -1 };
  return address ? h('a', { ...given, href: address(id) }, name) : h('button', { ...given, type: 'button' }, name);
}

/** A metric that opens its run, as the name does. */
export function metricCell(context: CellContext, column: Column): (params: CellParams) => HTMLElement {
  return ({ data }) => {
    const text = textOf(data, column);
    return data && !data.group && text ? nameOf(context, data.id, text) : h('span', {}, text);
  };
}

export function stateCell({ data }: CellParams): HTMLElement {
  const state = data?.cells['status'];
  if (typeof state !== 'string') return h('span', {});
  return stateBadge(state as RunState);
}

/** What came of running a run again: a sign, and the words after `yes:`, `no:` or `failed:`. */
export function verdictCell(column: Column): (params: CellParams) => HTMLElement {
  return ({ data }) => {
    const text = textOf(data, column);
    const [, word = '', rest = ''] = /^(yes|no|failed)(?:: (.*))?$/s.exec(text) ?? [];
    if (!word) return h('span', {}, text);
    return h('span', { class: 'nbt-verdict', title: text }, verdictSign(word), h('span', { class: 'nbt-verdicttext' }, rest || word));
  };
}

/** A curve in a few points: a line without axes, and its ends in words. */
export function curveCell(context: CellContext, column: Column): (params: CellParams) => HTMLElement | SVGElement {
  const key = heading(column.name).label;
  return ({ data }) => {
    const values = data && !data.group ? context.curve(data.id, key) : null;
    return values ? sparkline(values, key) : h('span', {});
  };
}

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 92;
const HEIGHT = 20;

/** Draw values, evenly apart; gaps are left out. */
export function sparkline(values: ArrayLike<number>, name: string): HTMLElement | SVGElement {
  const points: [number, number][] = [];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN;
    if (Number.isFinite(value)) points.push([i, value]);
  }
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return h('span', {});
  const low = Math.min(...points.map(([, value]) => value));
  const high = Math.max(...points.map(([, value]) => value));
  const x = (i: number): number => 1.5 + (i / Math.max(1, values.length - 1)) * (WIDTH - 5);
  const y = (value: number): number => (high === low ? HEIGHT / 2 : HEIGHT - 2.5 - ((value - low) / (high - low)) * (HEIGHT - 5));
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'nbt-spark');
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', `${name} from ${formatNumber(first[1])} to ${formatNumber(last[1])}`);
  const line = document.createElementNS(SVG, 'path');
  line.setAttribute('d', points.map(([i, value], n) => `${n ? 'L' : 'M'}${x(i).toFixed(1)} ${y(value).toFixed(1)}`).join(''));
  const end = document.createElementNS(SVG, 'circle');
  end.setAttribute('cx', x(last[0]).toFixed(1));
  end.setAttribute('cy', y(last[1]).toFixed(1));
  end.setAttribute('r', '1.8');
  svg.append(line, end);
  return svg;
}
