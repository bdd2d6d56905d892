import { h, messageOf } from './dom';
import { ColumnMenu } from './column_menu';
import type { Column, Query, SortKey } from './protocol';
import { cellText, columnWidth, heading, type Row, RowCache } from './rows';
import { stateBadge } from './head';

const ROW = 29;
const OVERSCAN = 8;
const MAX_HEIGHT = 420;

/** Where rows come from. */
export interface RowSource {
  fetch(query: Query, start: number, stop: number): Promise<{ total: number; rows: Row[] }>;
  /** The view was changed here; the source brings the first rows with `setFirst`. */
  changed(query: Query): void;
  selected(ids: string[]): void;
}

export interface First {
  query: Query;
  total: number;
  rows: Row[];
  best: Record<string, number>;
}

/**
 * The table of runs: a real table of which only the visible rows are in the page.
 *
 * Sorting, filtering and paging are the source's; this view knows the window, the active row and which
 * columns are hidden for being the same everywhere.
 */
export class RunsTable {
  private readonly cache = new RowCache();
  private readonly filter = h('input', {
    type: 'search',
    class: 'nbt-filter',
    placeholder: 'Filter, such as  metrics.loss < 0.3 and params.lr = "0.001"',
    'aria-label': 'Filter the runs',
    spellcheck: 'false'
  });
  private readonly count = h('span', { class: 'nbt-count', role: 'status' });
  private readonly problem = h('div', { class: 'nbt-error', role: 'alert', hidden: true });
  private readonly scroller = h('div', { class: 'nbt-scroll', tabindex: '0' });
  private readonly headRow = h('tr', {});
  private readonly columnsOf = h('colgroup', {});
  private readonly body = h('tbody', {});
  private readonly table: HTMLTableElement;
  private readonly menu: ColumnMenu;
  private readonly abort = new AbortController();
  private all = new Map<string, Column>();
  private query: Query = { columns: [], filter: '', sort: [] };
  private best: Record<string, number> = {};
  private selected = new Set<string>();
  private active = 0;
  private anchor = 0;
  private onlyDiffering = false;
  private note = '';
  private generation = 0;
  private fetching = false;
  private frame = 0;
  private waiting: ReturnType<typeof setTimeout> | undefined;
  private typing: ReturnType<typeof setTimeout> | undefined;

  constructor(
    root: HTMLElement,
    private readonly source: RowSource,
    private readonly page: number
  ) {
    const { signal } = this.abort;
    this.menu = new ColumnMenu({
      columns: names => this.change({ columns: names }),
      differing: only => {
        this.onlyDiffering = only;
        this.renderHead();
        this.render();
      }
    });
    this.table = h('table', { role: 'grid', 'aria-multiselectable': 'true' }, this.columnsOf, h('thead', {}, this.headRow), this.body);
    this.scroller.append(this.table);
    this.scroller.style.maxHeight = `${MAX_HEIGHT}px`;
    root.setAttribute('data-lm-suppress-shortcuts', 'true');
    root.append(h('div', { class: 'nbt-tablebar' }, this.filter, this.count, this.menu.element), this.problem, this.scroller);
    this.scroller.addEventListener('scroll', () => this.schedule(), { signal, passive: true });
    this.scroller.addEventListener('keydown', event => this.onKey(event), { signal });
    this.body.addEventListener('click', event => this.onClick(event), { signal });
    this.headRow.addEventListener('click', event => this.onHead(event), { signal });
    this.filter.addEventListener('input', () => this.onType(500), { signal });
    this.filter.addEventListener('keydown', event => event.key === 'Enter' && this.onType(0), { signal });
    const resized = new ResizeObserver(() => this.schedule());
    resized.observe(this.scroller);
    signal.addEventListener('abort', () => resized.disconnect());
  }

  setColumns(columns: readonly Column[]): void {
    this.all = new Map(columns.map(column => [column.name, column]));
    this.menu.show([...this.all.values()], this.query.columns);
    this.renderHead();
    this.render();
  }

  /** Show another view; its rows come with `setFirst`. */
  setQuery(query: Query): void {
    this.query = query;
    if (document.activeElement !== this.filter) this.filter.value = query.filter;
    this.menu.show([...this.all.values()], query.columns);
    this.renderHead();
    this.render();
  }

  /** Take the first rows of a view; those of a view that is not shown any more are left. */
  setFirst(first: First): void {
    if (JSON.stringify(first.query) !== JSON.stringify(this.query)) return;
    clearTimeout(this.waiting);
    this.generation++;
    this.cache.clear();
    this.cache.total = first.total;
    this.cache.put(0, first.rows);
    this.best = first.best;
    this.active = Math.min(this.active, Math.max(0, first.total - 1));
    this.say();
    this.render();
  }

  setError(message: string): void {
    clearTimeout(this.waiting);
    this.problem.hidden = message === '';
    this.problem.textContent = message;
    this.filter.setAttribute('aria-invalid', String(message !== ''));
    this.say();
  }

  /** Say something lasting about the rows, such as that there were more. */
  setNote(note: string): void {
    this.note = note;
    this.say();
  }

  setSelected(ids: readonly string[]): void {
    this.selected = new Set(ids);
    this.say();
    this.render();
  }

  dispose(): void {
    this.abort.abort();
    this.menu.dispose();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.waiting);
    clearTimeout(this.typing);
  }

  private shown(): Column[] {
    return this.query.columns.flatMap(name => {
      const column = this.all.get(name);
      if (!column) return [];
      return this.onlyDiffering && !column.differs && name !== 'run_name' ? [] : [column];
    });
  }

  private change(part: Partial<Query>): void {
    this.setQuery({ ...this.query, ...part });
    if (part.filter !== undefined || part.sort) this.scroller.scrollTop = 0;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => (this.count.textContent = 'waiting for the kernel…'), 800);
    this.source.changed(this.query);
  }

  private say(): void {
    const { total } = this.cache;
    const runs = this.note || `${total.toLocaleString('en-US')} ${total === 1 ? 'run' : 'runs'}`;
    this.count.textContent = this.selected.size > 0 ? `${this.selected.size} of ${runs} selected` : runs;
  }

  private renderHead(): void {
    const columns = this.shown();
    const labels = columns.map(column => heading(column.name).label);
    const widths = columns.map(column => columnWidth(column.name, column.kind));
    this.columnsOf.replaceChildren(...widths.map(width => h('col', { style: `width:${width}px` })));
    this.table.style.minWidth = `${widths.reduce((sum, width) => sum + width, 0)}px`;
    this.headRow.replaceChildren(
      ...columns.map(column => {
        const { family, label } = heading(column.name);
        const sorted = this.query.sort.find(([name]) => name === column.name);
        const direction = sorted ? (sorted[1] ? 'ascending' : 'descending') : 'none';
        const button = h(
          'button',
          { type: 'button', 'data-column': column.name, title: column.name },
          h('span', { class: 'nbt-label' }, labels.indexOf(label) === labels.lastIndexOf(label) ? label : column.name),
          h('span', { class: 'nbt-arrow', 'aria-hidden': 'true' }, sorted ? (sorted[1] ? '↑' : '↓') : '')
        );
        return h('th', { scope: 'col', 'aria-sort': direction, 'data-kind': column.kind, 'data-family': family }, button);
      })
    );
  }

  private schedule(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.render());
  }

  private window(): [number, number] {
    const first = Math.floor(this.scroller.scrollTop / ROW);
    const count = Math.ceil((this.scroller.clientHeight || MAX_HEIGHT) / ROW);
    return [Math.max(0, first - OVERSCAN), Math.min(this.cache.total, first + count + OVERSCAN)];
  }

  private render(): void {
    const [start, stop] = this.window();
    const columns = this.shown();
    const rows: HTMLElement[] = [spacer(start * ROW, columns.length)];
    for (let i = start; i < stop; i++) rows.push(this.row(i, this.cache.get(i), columns));
    rows.push(spacer((this.cache.total - stop) * ROW, columns.length));
    this.body.replaceChildren(...rows);
    this.table.setAttribute('aria-rowcount', String(this.cache.total + 1));
    this.scroller.dataset['total'] = String(this.cache.total);
    if (this.cache.total > 0) void this.fill();
  }

  private row(index: number, row: Row | undefined, columns: readonly Column[]): HTMLElement {
    const selected = row !== undefined && this.selected.has(row.id);
    const cells = columns.map(column => {
      const value = row?.cells[column.name];
      const best = typeof value === 'number' && value === this.best[column.name];
      const text = row ? cellText(value, column.kind) : '';
      const cell = h('td', { 'data-kind': column.kind, title: text || undefined, 'data-best': best || undefined });
      if (column.kind === 'state' && typeof value === 'string') cell.append(stateBadge(value as 'FINISHED'));
      else cell.append(text);
      return cell;
    });
    return h(
      'tr',
      {
        'data-index': index,
        'aria-rowindex': index + 2,
        'aria-selected': String(selected),
        'data-active': index === this.active || undefined,
        'data-loading': row === undefined || undefined
      },
      ...cells
    );
  }

  /** Fetch what is visible and not here, one page at a time. */
  private async fill(): Promise<void> {
    if (this.fetching) return;
    this.fetching = true;
    try {
      for (;;) {
        const missing = this.cache.missingPage(...this.window(), this.page);
        if (!missing) return;
        const generation = this.generation;
        const { total, rows } = await this.source.fetch(this.query, ...missing);
        if (generation !== this.generation) continue;
        if (rows.length === 0) return;
        this.cache.total = total;
        this.cache.put(missing[0], rows);
        this.schedule();
      }
    } catch (error) {
      this.setError(messageOf(error));
    } finally {
      this.fetching = false;
    }
  }

  private onType(delay: number): void {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => {
      if (this.filter.value !== this.query.filter) this.change({ filter: this.filter.value });
    }, delay);
  }

  private onHead(event: MouseEvent): void {
    const button = (event.target as HTMLElement).closest('button');
    const name = button?.dataset['column'];
    const column = name === undefined ? undefined : this.all.get(name);
    if (!column) return;
    const before = this.query.sort.find(([other]) => other === column.name);
    const firstWay = column.direction ? column.direction === 'min' : column.kind === 'text' || column.kind === 'state';
    const next: SortKey[] = !before ? [[column.name, firstWay]] : before[1] === firstWay ? [[column.name, !firstWay]] : [];
    const others = event.shiftKey ? this.query.sort.filter(([other]) => other !== column.name) : [];
    this.change({ sort: [...others, ...next] });
    this.headRow.querySelector<HTMLElement>(`[data-column="${CSS.escape(column.name)}"]`)?.focus();
  }

  private onClick(event: MouseEvent): void {
    const index = Number((event.target as HTMLElement).closest('tr')?.dataset['index']);
    if (!Number.isInteger(index)) return;
    this.active = index;
    if (event.shiftKey) this.selectRange();
    else this.toggle(index, event.ctrlKey || event.metaKey);
  }

  private onKey(event: KeyboardEvent): void {
    if (event.target !== this.scroller) return;
    const last = this.cache.total - 1;
    const screen = Math.max(1, Math.floor(this.scroller.clientHeight / ROW) - 2);
    const moves: Record<string, number> = {
      ArrowDown: this.active + 1,
      ArrowUp: this.active - 1,
      PageDown: this.active + screen,
      PageUp: this.active - screen,
      Home: 0,
      End: last
    };
    const target = moves[event.key];
    if (target !== undefined) {
      this.active = Math.max(0, Math.min(last, target));
      this.reveal();
      if (event.shiftKey) this.selectRange();
      else this.anchor = this.active;
      this.render();
    } else if (event.key === ' ' || event.key === 'Enter') {
      this.toggle(this.active, true);
    } else if (event.key === 'Escape') {
      this.select([]);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  private reveal(): void {
    const top = this.active * ROW;
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop) this.scroller.scrollTop = top;
    else if (top + 2 * ROW > scrollTop + clientHeight) this.scroller.scrollTop = top + 2 * ROW - clientHeight;
  }

  private toggle(index: number, add: boolean): void {
    const id = this.cache.get(index)?.id;
    if (id === undefined) return;
    this.anchor = index;
    const ids = add ? new Set(this.selected) : new Set<string>();
    if (this.selected.has(id)) ids.delete(id);
    else ids.add(id);
    this.select([...ids]);
  }

  private selectRange(): void {
    const [from, to] = [Math.min(this.anchor, this.active), Math.max(this.anchor, this.active)];
    const ids: string[] = [];
    for (let i = from; i <= to; i++) {
      const row = this.cache.get(i);
      if (row) ids.push(row.id);
    }
    this.select(ids);
  }

  private select(ids: string[]): void {
    this.setSelected(ids);
    this.source.selected(ids);
  }
}

function spacer(height: number, columns: number): HTMLElement {
  const cell = h('td', { colspan: Math.max(1, columns), style: `height:${height}px;padding:0;border:0` });
  const row = h('tr', { 'aria-hidden': 'true' }, cell);
  row.hidden = height <= 0;
  return row;
}
