import type { CellKeyDownEvent, GridApi, IGetRowsParams, RowClickedEvent } from 'ag-grid-community';
import type { Backend } from './backend';
import { h, messageOf } from './dom';
import { type Column, type ColumnsAnswer, EMPTY_STATE, type FirstPage, type Page, type RowsQuery, type SortKey, type TableState } from './protocol_table';
import { decodeRows, heading, type Row } from './rows';
import { type ExportFormat, TableBar } from './table_bar';
import type { CellContext } from './table_cells';
import { columnDefs, SELECT, shownColumns } from './table_columns';
import { CurveCache } from './table_curves';
import { TableEdits } from './table_edits';
import { GROUP_HEADER_HEIGHT, HEADER_HEIGHT, makeGrid, ROW_HEIGHT } from './table_grid';
import { asNumbers, columnMenuItems, rowsKey, showWhole } from './table_parts';
import { openMenu } from './table_popup';
import css from './style_table.css';
import { Selection } from './table_selection';

const MAX_HEIGHT = 440;
const SLOW_MS = 800;

export interface TableOptions {
  backend: Backend;
  /** Whose runs; null for all experiments. */
  experimentIds: string[] | null;
  /** These runs only, in this order where there is no other. */
  runIds?: string[];
  /** What to show; without columns, what was shown last in this experiment, else what is worth it. */
  state: Partial<TableState>;
  selected?: string[];
  /** Pixels, all there is, or (without) as high as the rows up to a limit. */
  height?: number | 'fill';
  /** What is known already, so that nothing needs to be asked for the first look. */
  columns?: ColumnsAnswer;
  first?: FirstPage;
  /** Whether runs can be edited, grouped and deleted. */
  editable?: boolean;
  exports?: boolean;
  onState(state: TableState): void;
  onSelected(ids: string[]): void;
  onRows?(ids: string[], total: number, start: number): void;
  onOpen?(runId: string): void;
}

/**
 * The table of runs, of which only the rows that are looked at are here.
 *
 * Sorting, filtering, grouping and paging happen where the backend has the runs. This view knows what is
 * shown (its state), what is selected, and which groups are open.
 */
export class RunsTable {
  private readonly bar: TableBar;
  private readonly host = h('div', { class: 'nbt-gridhost' });
  private readonly empty = h('div', { class: 'nbt-empty nbt-tableempty', hidden: true });
  private readonly api: GridApi<Row>;
  private readonly curves: CurveCache;
  private readonly edits: TableEdits;
  readonly selection: Selection;
  private all = new Map<string, Column>();
  private sets: ColumnsAnswer['sets'] = null;
  private state: TableState;
  private expanded = new Set<string>();
  private best: Record<string, number> = {};
  private total = 0;
  private runs = 0;
  private note = '';
  private first: FirstPage | null = null;
  private generation = 0;
  private asked = 0;
  private applying = false;
  private columnsKey = '';
  private disposed = false;
  private slow: ReturnType<typeof setTimeout> | undefined;
  private later = false;

  constructor(
    private readonly root: HTMLElement,
    private readonly options: TableOptions
  ) {
    this.state = { ...EMPTY_STATE, ...options.state };
    const editable = options.editable ?? true;
    this.curves = new CurveCache(options.backend, () => this.refreshCurves());
    this.bar = new TableBar(root, {
      filter: filter => this.change({ filter }, true),
      group: group => {
        this.expanded.clear();
        this.change({ group }, true);
      },
      stage: stage => {
        this.selection.set([]);
        this.change({ stage }, true);
      },
      columns: columns => {
        const added = columns.find(name => !this.state.columns.includes(name));
        this.change({ columns });
        if (added) this.api.ensureColumnVisible(added);
      },
      differing: differing => this.change({ differing }),
      useSet: name => this.change(this.sets?.named[name] ?? {}),
      saveSet: name => void this.edits.remember(name, this.state).then(sets => this.setSets(sets)),
      dropSet: name => void this.edits.remember(name, null).then(sets => this.setSets(sets)),
      act: action => void this.edits.act(action, this.selection.ids),
      tag: (key, value) => void this.edits.tag(this.selection.ids, key, value),
      export: (format, how) => void this.export(format, how),
      clear: () => this.selection.set([])
    });
    this.edits = new TableEdits(options.backend, options.experimentIds, {
      done: (text, undo) => {
        this.bar.setNotice(text, undo);
        this.bar.setError('');
        void this.reload();
      },
      failed: message => this.setError(message),
      gone: ids => this.selection.remove(ids)
    });
    this.bar.limit({ edits: editable, exports: options.exports ?? true });
    root.setAttribute('data-lm-suppress-shortcuts', 'true');
    root.classList.add('nbt-runstable');
    root.classList.toggle('nbt-fill', options.height === 'fill');
    root.append(h('style', {}, css), this.bar.head, this.host, this.empty, this.bar.foot);
    this.api = makeGrid(this.host, {
      columnDefs: [],
      defaultColDef: { suppressHeaderMenuButton: true },
      context: {},
      getRowId: ({ data }) => data.id,
      infiniteInitialRowCount: options.first?.total ?? 1,
      rowClass: 'nbt-row',
      rowClassRules: {
        'nbt-selected': ({ data }) => data !== undefined && this.isSelected(data),
        'nbt-grouprow': ({ data }) => data?.group !== undefined,
        'nbt-childrow': ({ data }) => data?.child === true
      },
      processRowPostCreate: ({ node, eRow, ePinnedLeftRow }) => {
        for (const row of [eRow, ePinnedLeftRow]) row?.setAttribute('aria-selected', String(node.data ? this.isSelected(node.data) : false));
      },
      onSortChanged: () => this.onSort(),
      onColumnResized: ({ finished, source, column }) => {
        if (finished && column && source === 'uiColumnResized') this.change({ widths: { ...this.state.widths, [column.getColId()]: column.getActualWidth() } });
      },
      onColumnMoved: ({ finished, source }) => finished && source === 'uiColumnMoved' && this.onMoved(),
      onRowClicked: event => this.onClick(event),
      onCellKeyDown: event => this.onKey(event as CellKeyDownEvent<Row>),
      onCellEditingStopped: () => this.later && void this.reload(),
      onCellValueChanged: ({ data, colDef, oldValue, newValue }) => void this.onEdited(data, colDef.colId ?? '', oldValue, newValue),
      onViewportChanged: () => this.wantCurves(),
      onBodyScrollEnd: () => this.wantCurves()
    });
    this.selection = new Selection(this.api, this.host, ids => {
      this.say();
      options.onSelected(ids);
    });
    this.host.addEventListener('mouseover', showWhole);
    this.host.addEventListener('keydown', event => this.onHeaderKey(event), true);
    this.bar.show(this.state, [], null);
    this.selection.replace(options.selected ?? []);
    this.setHeight();
    if (options.first) this.first = options.first;
    if (options.columns) this.setColumns(options.columns);
    else void this.loadColumns();
  }

  /** Show another view; nobody is told. */
  setState(state: Partial<TableState>): void {
    const before = this.state;
    this.state = { ...before, ...state };
    const rows = JSON.stringify(rowsKey(before)) !== JSON.stringify(rowsKey(this.state));
    if (JSON.stringify(before.group) !== JSON.stringify(this.state.group)) this.expanded.clear();
    this.apply(rows);
  }

  /** Take the columns there are; it may have been asked for them elsewhere. */
  setColumns(answer: ColumnsAnswer): void {
    const fresh = this.all.size === 0;
    this.all = new Map(answer.columns.map(column => [column.name, column]));
    this.sets = answer.sets;
    if (this.state.columns.length === 0) this.state = { ...this.state, columns: answer.defaults, ...(answer.sets?.last ?? {}) };
    this.apply(false);
    if (fresh) this.api.setGridOption('datasource', { getRows: params => void this.getRows(params) });
  }

  /** Take the first rows of the view, pushed by who has them; those of another view are left. */
  setFirst(first: FirstPage): void {
    this.first = first;
    if (this.fits(first)) this.refresh();
  }

  setSelected(ids: readonly string[]): void {
    this.selection.replace(ids);
    this.say();
  }

  setError(message: string): void {
    clearTimeout(this.slow);
    this.bar.setError(message);
    this.say();
  }

  /** Say something lasting about the rows, such as that there were more. */
  setNote(note: string): void {
    this.note = note;
    this.say();
  }

  /** Ask for the rows that are here again: places, selection, focus and scroll stay. */
  refresh(): void {
    if (this.api.getEditingCells().length > 0) {
      this.later = true;
      return;
    }
    this.later = false;
    this.curves.forget();
    if (this.all.size > 0) this.api.refreshInfiniteCache();
  }

  /** Ask again which columns there are, and for the rows. */
  async reload(): Promise<void> {
    this.first = null;
    await this.loadColumns();
    this.refresh();
  }

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.slow);
    this.bar.dispose();
    this.edits.dispose();
    this.api.destroy();
  }

  private async loadColumns(): Promise<void> {
    const { experimentIds, runIds } = this.options;
    try {
      const { body } = await this.options.backend.ask<ColumnsAnswer>('table.columns', { experiment_ids: experimentIds, run_ids: runIds, stage: this.state.stage });
      if (!this.disposed) this.setColumns(body);
    } catch (error) {
      if (!this.disposed) this.setError(messageOf(error));
    }
  }

  private setSets(sets: ColumnsAnswer['sets'] | undefined): void {
    if (!sets) return;
    this.sets = sets;
    this.bar.show(this.state, [...this.all.values()], sets);
  }

  private query(): RowsQuery {
    const { filter, sort, group, stage, directions } = this.state;
    const columns = shownColumns(this.state, this.all).map(column => column.name);
    return { columns, filter, sort, group, expanded: [...this.expanded], stage, directions };
  }

  /** Whether pushed rows are those of this view; they may have more columns than are shown. */
  private fits(first: FirstPage): boolean {
    const now = this.query();
    const rest = (query: RowsQuery): string => JSON.stringify([query.filter, query.sort, query.group, query.expanded, query.stage, query.directions]);
    return rest(first.query) === rest(now) && now.columns.every(name => first.query.columns.includes(name) || name.startsWith('curves.'));
  }

  private async getRows(params: IGetRowsParams): Promise<void> {
    this.onSort(); // the grid tells of a new order later than it asks for the rows
    const generation = this.generation;
    const asked = ++this.asked;
    try {
      const { first } = this;
      if (first && params.startRow === 0 && this.fits(first)) {
        this.take(params, first, first.buffers);
        return;
      }
      clearTimeout(this.slow);
      this.slow = setTimeout(() => this.bar.say('waiting for the rows…'), SLOW_MS);
      const { experimentIds, runIds } = this.options;
      const question = { ...this.query(), experiment_ids: experimentIds, run_ids: runIds, start: params.startRow, stop: params.endRow };
      const { body, buffers } = await this.options.backend.ask<Page>('table.rows', question);
      if (this.disposed) return;
      // an answer of the view before: the grid has asked again
      if (generation !== this.generation) return params.failCallback();
      this.take(params, body, buffers);
      this.bar.setError('');
    } catch (error) {
      if (this.disposed) return;
      params.failCallback();
      if (generation === this.generation) this.setError(messageOf(error));
    } finally {
      if (asked === this.asked) clearTimeout(this.slow);
    }
  }

  private take(params: IGetRowsParams, page: Page, buffers: readonly DataView[]): void {
    const rows = decodeRows(page, buffers);
    const best = page.best ?? this.best;
    const changed = JSON.stringify(best) !== JSON.stringify(this.best);
    this.best = best;
    for (const { name, kind } of this.all.values()) if (kind === 'number') asNumbers(rows, name);
    this.total = page.total;
    this.runs = page.runs ?? page.total;
    params.successCallback(rows, page.total);
    if (changed) this.api.refreshCells({ force: true });
    this.selection.paint();
    this.setHeight();
    this.say();
    this.wantCurves();
    this.empty.hidden = page.total > 0;
    this.empty.textContent = this.state.filter ? 'No run fits this filter.' : 'No runs here yet. nbtrack.start_run() starts one; it appears by itself.';
    this.root.dataset['total'] = String(page.total);
    this.options.onRows?.(rows.filter(row => !row.group).map(row => row.id), this.runs, params.startRow);
  }

  private say(): void {
    const total = this.runs.toLocaleString('en-US');
    const runs = this.note || `${total} ${this.runs === 1 ? 'run' : 'runs'}`;
    const groups = this.total !== this.runs ? ` in ${this.total.toLocaleString('en-US')} rows` : '';
    const count = this.selection.ids.length;
    this.bar.say(count > 0 ? `${count} of ${runs} selected` : `${runs}${groups}`);
    const states = this.api.getRenderedNodes().map(({ data }) => (data && this.selection.has(data.id) ? data.cells['status'] : null));
    this.bar.setSelected(count, states.includes('INTERRUPTED'), this.options.editable ?? true);
  }

  private change(part: Partial<TableState>, rows = false): void {
    const before = this.state;
    this.state = { ...before, ...part };
    const asked = JSON.stringify(rowsKey(before)) !== JSON.stringify(rowsKey(this.state));
    if (rows) this.api.ensureIndexVisible(0, 'top');
    this.apply(rows || asked);
    this.options.onState(this.state);
    if (this.options.editable ?? true) this.edits.rememberLast(this.state);
  }

  /** Bring the grid in line with the state. */
  private apply(rows: boolean): void {
    this.applyColumns();
    this.bar.show(this.state, [...this.all.values()], this.sets);
    if (!rows) return;
    this.generation++;
    if (this.first && !this.fits(this.first)) this.first = null;
    if (this.all.size > 0) this.api.refreshInfiniteCache();
  }

  /** Give the grid its columns, if they are others: it makes the cells anew then, and the focus is lost. */
  private applyColumns(): void {
    const key = this.keyOfColumns();
    if (key === this.columnsKey) return;
    this.columnsKey = key;
    this.applying = true;
    const defs = columnDefs(this.state, this.all, {
      context: this.cells(),
      best: name => this.best[name],
      menu: (name, at) => this.openColumnMenu(name, at),
      editable: this.options.editable ?? true
    });
    this.api.setGridOption('columnDefs', defs);
    this.applying = false;
  }

  private keyOfColumns(): string {
    const { pinned, widths, sort, directions, group } = this.state;
    return JSON.stringify([shownColumns(this.state, this.all), pinned, widths, sort, directions, group.length > 0]);
  }

  private cells(): CellContext {
    return {
      selected: id => this.selection.has(id),
      groupSelected: key => this.selection.hasGroup(key),
      expanded: key => this.expanded.has(key),
      curve: (id, key) => this.curves.get(id, key),
      opens: this.options.onOpen !== undefined
    };
  }

  private isSelected(row: Row): boolean {
    return row.group ? this.selection.hasGroup(row.group.key) : this.selection.has(row.id);
  }

  private setHeight(): void {
    const { height } = this.options;
    if (height === 'fill') return;
    const families = shownColumns(this.state, this.all).some(column => heading(column.name).family);
    const head = HEADER_HEIGHT + (families ? GROUP_HEADER_HEIGHT : 0);
    const rows = Math.max(2, this.total) * ROW_HEIGHT + 18;
    this.host.style.height = `${height ?? Math.min(MAX_HEIGHT, head + rows)}px`;
  }

  private onSort(): void {
    if (this.applying) return;
    const sort = this.api
      .getColumnState()
      .filter(({ sort, colId }) => sort && colId !== SELECT)
      .sort((a, b) => (a.sortIndex ?? 0) - (b.sortIndex ?? 0))
      .map(({ colId, sort }): SortKey => [colId, sort === 'asc']);
    if (JSON.stringify(sort) === JSON.stringify(this.state.sort)) return;
    this.generation++;
    this.state = { ...this.state, sort };
    this.columnsKey = this.keyOfColumns();
    this.options.onState(this.state);
    if (this.options.editable ?? true) this.edits.rememberLast(this.state);
  }

  private onMoved(): void {
    const order = this.api.getAllGridColumns().map(column => column.getColId());
    const place = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
    const pinned = this.api.getAllGridColumns().filter(column => column.isPinned() && column.getColId() !== SELECT).map(column => column.getColId());
    const columns = [...this.state.columns].sort((a, b) => place(a) - place(b));
    this.change({ columns, pinned });
  }

  private onClick({ data, event, rowIndex }: RowClickedEvent<Row>): void {
    const target = event?.target as HTMLElement | null;
    if (!data || rowIndex === null || !(event instanceof MouseEvent)) return;
    const opened = target?.closest<HTMLElement>('[data-open]')?.dataset['open'];
    if (opened) return this.options.onOpen?.(opened);
    const box = target?.closest('.nbt-selectcell') !== null;
    if (data.group && !box) return this.toggleGroup(data.group.key);
    if (event.shiftKey) this.selection.range(rowIndex);
    else if (data.group) void this.selectGroup(data.group.key);
    else this.selection.toggle(data.id, rowIndex, box || event.ctrlKey || event.metaKey);
  }

  private onKey({ data, event, column, rowIndex }: CellKeyDownEvent<Row>): void {
    if (!(event instanceof KeyboardEvent) || !data || rowIndex === null || this.api.getEditingCells().length > 0) return;
    const { key } = event;
    if (key === ' ' || (key === 'Enter' && data.group)) {
      if (data.group && key === 'Enter') this.toggleGroup(data.group.key);
      else if (data.group) void this.selectGroup(data.group.key);
      else if (event.shiftKey) this.selection.range(rowIndex);
      else this.selection.toggle(data.id, rowIndex, true);
    } else if ((key === 'ArrowDown' || key === 'ArrowUp') && event.shiftKey) {
      this.selection.range(this.api.getFocusedCell()?.rowIndex ?? rowIndex);
    } else if (key === 'Escape') this.selection.set([]);
    else if (key === 'Enter' && !this.all.get(column.getColId())?.editable) this.options.onOpen?.(data.id);
    else if (key === 'a' && (event.ctrlKey || event.metaKey)) void this.selectAll();
    else return;
    event.preventDefault();
  }

  /** From a heading, Alt+Down or the menu key opens its menu. */
  private onHeaderKey(event: KeyboardEvent): void {
    const cell = (event.target as HTMLElement).closest<HTMLElement>('.ag-header-cell');
    const name = cell?.getAttribute('col-id');
    const wanted = event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey) || (event.key === 'ArrowDown' && event.altKey);
    if (!cell || !name || !wanted || !this.all.has(name)) return;
    event.preventDefault();
    event.stopPropagation();
    this.openColumnMenu(name, cell);
  }

  private toggleGroup(key: string): void {
    if (!this.expanded.delete(key)) this.expanded.add(key);
    this.generation++;
    this.api.refreshCells({ force: true, columns: ['run_name'] });
    this.api.refreshInfiniteCache();
  }

  private async selectGroup(key: string): Promise<void> {
    const ids = await this.matching({ groups: [key] });
    if (ids) this.selection.toggleGroup(key, ids);
  }

  private async selectAll(): Promise<void> {
    const ids = await this.matching({});
    if (ids) this.selection.set(ids);
  }

  /** The ids of the runs that match, or of some groups of them. */
  private async matching(part: object): Promise<string[] | null> {
    const { backend, experimentIds, runIds } = this.options;
    try {
      const question = { ...this.query(), experiment_ids: experimentIds, run_ids: runIds, ...part };
      return (await backend.ask<{ run_ids: string[] }>('table.ids', question)).body.run_ids;
    } catch (error) {
      this.setError(messageOf(error));
      return null;
    }
  }

  private openColumnMenu(name: string, at: Element): void {
    const column = this.all.get(name);
    if (!column) return;
    openMenu(this.root, at, `Column ${name}`, columnMenuItems(this.state, column, (part, rows) => this.change(part, rows)));
  }

  private async onEdited(row: Row, name: string, before: unknown, value: unknown): Promise<void> {
    if (value === before || row.group) return;
    const undone = await this.edits.edit(row.id, name, String(value ?? ''), String(before ?? ''));
    if (!undone) return;
    row.cells[name] = before as string | null;
    this.api.refreshCells({ force: true, columns: [name] });
  }

  private wantCurves(): void {
    const keys = shownColumns(this.state, this.all).filter(column => column.kind === 'curve').map(column => heading(column.name).label);
    if (keys.length === 0) return;
    const rows = this.api.getRenderedNodes().flatMap(({ data }) => (data && !data.group ? [data] : []));
    this.curves.want(rows.map(row => row.id), keys);
  }

  private refreshCurves(): void {
    if (this.disposed) return;
    const columns = shownColumns(this.state, this.all).filter(column => column.kind === 'curve').map(column => column.name);
    this.api.refreshCells({ force: true, columns });
  }

  private async export(format: ExportFormat, how: 'copy' | 'download'): Promise<void> {
    const { experimentIds, runIds } = this.options;
    const chosen = this.selection.ids.length > 0 ? this.selection.ids : runIds;
    const question = { ...this.query(), experiment_ids: experimentIds, run_ids: chosen, format };
    await this.edits.export(question, how);
  }
}
