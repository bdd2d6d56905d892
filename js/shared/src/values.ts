import { h, lineSample } from './dom';
import { formatNumber } from './format';
import { titleOf } from './groups';
import type { RunRef } from './requests';
import type { Line } from './traces';

/** A group of metrics, and its curves of at most one point. */
type Listed = readonly [group: string, lines: readonly Line[]];

/** So many runs are columns; of more, the table beside the chart has the values. */
const MOST_RUNS = 12;
const MOST_NAME = 34;
const IN_SUMMARY = 12;

interface Piece {
  split: string;
  value: string;
  /** That of a baseline, such as `last 0.951`. */
  before: string;
}

/** Metrics of one point each, as names and values: plots of them would be dots. */
export class Values {
  readonly element = h('div', { class: 'nbt-values', role: 'group', 'aria-label': 'Metrics of one value', hidden: true });
  private look = '';
  private words = '';

  /** Show the metrics of one run in cells, or those of several in a table with a column for each. */
  show(listed: readonly Listed[], runs: readonly RunRef[]): void {
    const found = listed.filter(([, lines]) => lines.some(line => line.points.n > 0));
    const main = new Set(found.flatMap(([, lines]) => lines.filter(line => !line.isBaseline).map(line => line.points.run)));
    const columns = runs.filter(run => main.has(run.id));
    const look = JSON.stringify([
      columns.map(run => [run.id, run.name]),
      found.map(([group, lines]) => [group, lines.map(line => [line.points.run, line.short, line.colour, String(last(line))])])
    ]);
    if (look === this.look) return;
    this.look = look;
    this.element.hidden = found.length === 0;
    // a table may be wider: arrow keys scroll it
    if (main.size > 1) this.element.tabIndex = 0;
    else this.element.removeAttribute('tabindex');
    if (found.length === 0) this.element.replaceChildren();
    else this.element.replaceChildren(main.size > 1 ? table(found, columns) : cells(found, new Map(runs.map(run => [run.id, run.role]))));
    const values = found.flatMap(([group, lines]) =>
      lines
        .filter(line => !line.isBaseline)
        .map(line => [titleOf(group), main.size > 1 ? line.label : line.short, formatNumber(last(line))].filter(Boolean).join(' '))
    );
    const rest = values.length - IN_SUMMARY;
    this.words = values.slice(0, IN_SUMMARY).join(', ') + (rest > 0 ? ` and ${rest} more values` : '');
  }

  /** What a screen reader is told, such as `accuracy val 0.95, f1 0.9`. */
  summary(): string {
    return this.words;
  }
}

function last(line: Line): number | undefined {
  return line.points.value[line.points.n - 1];
}

function cells(found: readonly Listed[], roles: ReadonlyMap<string, string>): HTMLElement {
  const rows = found.map(([group, lines]) => ({ name: titleOf(group), pieces: piecesOf(lines, roles) }));
  const widest = (text: (piece: Piece) => string): number => Math.max(...rows.flatMap(row => row.pieces.map(piece => text(piece).length)));
  const [split, value, before] = [widest(p => p.split), widest(p => p.value), widest(p => p.before)];
  const count = Math.max(...rows.map(row => row.pieces.length));
  const name = Math.min(MOST_NAME, Math.max(...rows.map(row => row.name.length)));
  const list = h(
    'div',
    { class: 'nbt-cells', role: 'list' },
    ...rows.map(row =>
      h(
        'div',
        { role: 'listitem' },
        h('span', { class: 'nbt-metric', title: row.name }, row.name),
        ...row.pieces.map(piece =>
          h('span', { class: 'nbt-piece' }, ...(split ? [h('span', { class: 'nbt-split' }, piece.split)] : []), h('b', {}, piece.value), ...(before ? [h('span', { class: 'nbt-before' }, piece.before)] : []))
        )
      )
    )
  );
  // the columns of all cells are as wide as their longest text
  const widths = { name, split, value, before, cell: 0.92 * name + count * (split + value + before + 2.5) };
  for (const [part, letters] of Object.entries(widths)) list.style.setProperty(`--nbt-${part}`, `${letters}ch`);
  return list;
}

function piecesOf(lines: readonly Line[], roles: ReadonlyMap<string, string>): Piece[] {
  const pieces = new Map<string, Piece>();
  for (const line of [...lines].sort((a, b) => Number(a.isBaseline) - Number(b.isBaseline))) {
    let piece = pieces.get(line.short);
    if (!piece) pieces.set(line.short, (piece = { split: line.short, value: '', before: '' }));
    if (!line.isBaseline) piece.value = formatNumber(last(line));
    else piece.before ||= `${roles.get(line.points.run) ?? 'last'} ${formatNumber(last(line))}`;
  }
  return [...pieces.values()];
}

function table(found: readonly Listed[], runs: readonly RunRef[]): HTMLElement {
  const shown = runs.slice(0, MOST_RUNS);
  const colours = new Map<string, string>();
  const rows = new Map<string, Map<string, string>>();
  for (const [group, lines] of found) {
    for (const line of lines) {
      if (line.isBaseline) continue;
      const name = [titleOf(group), line.short].filter(Boolean).join(' ');
      if (!rows.has(name)) rows.set(name, new Map());
      rows.get(name)!.set(line.points.run, formatNumber(last(line)));
      colours.set(line.points.run, line.colour);
    }
  }
  const heads = shown.map(run => h('th', { scope: 'col', title: run.name }, lineSample(colours.get(run.id)!, 'solid'), run.name));
  if (runs.length > shown.length) heads.push(h('th', { scope: 'col' }, `and ${runs.length - shown.length} more`));
  return h(
    'table',
    {},
    h('thead', {}, h('tr', {}, h('td', {}), ...heads)),
    h(
      'tbody',
      {},
      ...[...rows].map(([name, values]) =>
        h('tr', {}, h('th', { scope: 'row', title: name }, name), ...shown.map(run => h('td', {}, values.get(run.id) ?? '')))
      )
    )
  );
}
