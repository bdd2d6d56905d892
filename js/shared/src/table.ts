import type { CellKeyDownEvent, GridApi, IGetRowsParams } from 'ag-grid-community';
import { DefaultColumns } from './column_changes';
import { h, messageOf } from './dom';
import { formatValue } from './format';
import { released } from './presses';
import { EMPTY_STATE, type TableState } from './protocol_table';
import type { Column, Page, TableColumns } from './requests';
import { decodeRows, heading, type Row } from './rows';
import { TableBar } from './table_bar';
import type { CellContext } from './table_cells';
import { columnDefs, isSqueezed, shownColumns } from './table_columns';
import { TableCount } from './table_count';
import { TableEdits } from './table_edits';
import { makeGrid } from './table_grid';
import { TableInput } from './table_input';
import type { TableOptions } from './table_options';
import { asNumbers, columnMenuItems, columnsKeyOf, curveColumns, heightOfRows, orderOf, rowsKey, showFullText, sortOf, statesOf } from './table_parts';
import { openMenu } from './table_popup';
import { TableRequests } from './table_requests';
import { TableRows } from './table_rows';
import signs from './style_signs.css';
import css from './style_table.css';
import { Selection } from './table_selection';
import { TableViewport } from './table_viewport';
import type { FirstPage, RowsQuery } from './view_data';

/**
 * The table of runs, of which only the rows that are looked at are here.
 *
 * Sorting, filtering, grouping and paging happen where the backend has the runs. This view knows what is
 * shown (its state), what is selected, and which groups are open.
 */
export class RunsTable {
  private readonly bar: TableBar;
  private readonly host = h('div', { class: 'nbt-gridhost' });
  private readonly count: TableCount;
  private readonly resized: ResizeObserver;
  private readonly api: GridApi<Row>;
  private readonly viewport: TableViewport;
  private readonly edits: TableEdits;
  private readonly requests: TableRequests;
  private readonly rows: TableRows;
  readonly input: TableInput;
  readonly selection: Selection;
  private all = new Map<string, Column>();
  private sets: TableColumns['sets'] = null;
  private defaults = new DefaultColumns();
  private state: TableState;
  private expanded = new Set<string>();
  private best: Record<string, number> = {};
  private room = 0;
  private applying = false;
  private columnsKey = '';
  private disposed = false;
  private later = false;

  constructor(
    private readonly root: HTMLElement,
    private readonly options: TableOptions
  ) {
    this.state = { ...EMPTY_STATE, ...options.state };
    const editable = options.editable ?? true;
    this.requests = new TableRequests(options);
    this.viewport = new TableViewport(
      options.backend,
      () => this.api,
      () => curveColumns(this.state, this.all).map(name => heading(name).label),
      () => !this.disposed && this.api.refreshCells({ force: true, columns: curveColumns(this.state, this.all) })
    );
    this.rows = new TableRows(options.first, {
      host: this.host,
      query: () => this.query(),
      read: (query, start, stop) => this.requests.rows(query, start, stop),
      take: (params, page, buffers, pushed) => {
        this.take(params, page, buffers);
        if (!pushed) this.bar.setError('');
      },
      waiting: () => this.bar.setStatus('waiting for the rows…'),
      failed: (message, stay) => this.setError(message, stay)
    });
    this.bar = new TableBar(root, {
      filter: filter => this.change({ filter }, true),
      unfinished: text => this.requests.unfinished(text),
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
      useSet: name => this.change({ order: [], ...this.sets?.named[name] }),
      saveSet: name => void this.edits.remember(name, this.state).then(sets => this.setSets(sets)),
      dropSet: name => void this.edits.remember(name, null).then(sets => this.setSets(sets)),
      act: action => void this.edits.act(action, this.selection.ids),
      tag: (key, value) => void this.edits.tag(this.selection.ids, key, value),
      export: (format, how) => void this.edits.export(this.requests.forExport(this.query(), this.selection.ids, format), how),
      clear: () => this.selection.set([]),
      ...(options.onCompare ? { compare: () => options.onCompare?.(this.selection.ids) } : {})
    });
    this.edits = new TableEdits(options.backend, options.experimentIds, {
      done: (text, undo) => {
        this.bar.setNotice(text, undo);
        this.bar.setError('');
        void this.reload();
      },
      failed: message => this.bar.setError(message),
      gone: ids => this.selection.remove(ids)
    });
    this.count = new TableCount(this.bar, this.host, editable);
    this.bar.limit({ edits: editable, exports: options.exports ?? true });
    root.classList.add('nbt-runstable');
    root.classList.toggle('nbt-fill', options.height === 'fill');
    root.append(h('style', {}, signs + css), this.bar.head, this.host, this.count.empty, this.bar.foot);
    this.api = makeGrid(this.host, {
      infiniteInitialRowCount: options.first?.total || 1, // of no row the grid would not ask, and nobody say why
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
      onRowClicked: event => this.input.onClick(event),
      onCellKeyDown: event => this.input.onKey(event as CellKeyDownEvent<Row>),
      onCellEditingStopped: () => this.later && void this.reload(),
      onCellValueChanged: ({ data, colDef, oldValue, newValue }) => void this.onEdited(data, colDef.colId ?? '', oldValue, newValue),
      onViewportChanged: event => this.viewport.onChanged(event),
      onBodyScrollEnd: () => this.viewport.wantCurves()
    });
    this.selection = new Selection(this.api, this.host, ids => {
      this.showCount();
      options.onSelected(ids);
    });
    this.input = new TableInput(this.api, this.selection, {
      matching: groups => this.requests.ids(this.query(), groups),
      failed: message => this.bar.setError(message),
      toggleGroup: key => this.toggleGroup(key),
      open: runId => options.onOpen?.(runId),
      openMenu: (name, at) => this.openColumnMenu(name, at),
      hasColumn: name => this.all.has(name),
      edits: name => Boolean(this.all.get(name)?.editable) && (name !== 'run_name' || !options.onOpen)
    });
    this.host.addEventListener('mouseover', showFullText);
    // before the grid, which tells of keys later than they can be kept
    this.host.addEventListener('keydown', event => this.input.onCapturedKey(event), true);
    this.resized = new ResizeObserver(() => this.setRoom(this.host.clientWidth));
    this.resized.observe(this.host);
    this.bar.show(this.state, [], null);
    this.selection.replace(options.selected ?? []);
    this.setHeight();
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
  setColumns(response: TableColumns): void {
    const fresh = this.all.size === 0;
    const unnamed = this.state.columns.length === 0;
    if (unnamed) this.state = { ...this.state, ...response.sets?.last, ...this.options.state, columns: [] };
    const byDefault = unnamed || this.defaults.are(this.state);
    this.all = new Map(response.columns.map(column => [column.name, column]));
    this.sets = response.sets;
    this.defaults = new DefaultColumns(response.defaults, name => this.all.has(name));
    if (byDefault) this.state = this.defaults.arrange(this.state);
    this.apply(false);
    if (fresh) this.api.setGridOption('datasource', { getRows: params => this.getRows(params) });
  }

  /** Take the first rows of the view, pushed by who has them; those of another view are left. */
  setFirst(first: FirstPage): void {
    if (this.rows.push(first)) this.refresh();
  }

  setSelected(ids: readonly string[]): void {
    this.selection.replace(ids);
    this.showCount();
  }

  setError(message: string, stay = false): void {
    this.rows.stopWaiting();
    this.bar.setError(message);
    if (message) this.count.setFailed(true, stay);
    this.showCount();
  }

  /** Say something lasting about the rows, such as that there were more. */
  setNote(note: string): void {
    this.count.note = note;
    this.showCount();
  }

  /** Ask for the rows that are here again: places, selection, focus and scroll stay. */
  refresh(): void {
    if (this.api.getEditingCells().length > 0) {
      this.later = true;
      return;
    }
    this.later = false;
    this.viewport.forget();
    if (this.all.size > 0) this.api.refreshInfiniteCache();
  }

  /** Ask again which columns there are, and for the rows. */
  async reload(): Promise<void> {
    this.rows.forget();
    await this.loadColumns();
    this.refresh();
  }

  dispose(): void {
    this.disposed = true;
    this.rows.dispose();
    this.bar.dispose();
    this.edits.dispose();
    this.resized.disconnect();
    this.api.destroy();
  }

  private async loadColumns(): Promise<void> {
    try {
      const response = await this.requests.columns(this.state.stage);
      await released(this.root);
      if (!this.disposed) this.setColumns(response);
    } catch (error) {
      if (!this.disposed) this.setError(messageOf(error));
    }
  }

  private setSets(sets: TableColumns['sets'] | undefined): void {
    if (!sets) return;
    this.sets = sets;
    this.bar.show(this.state, [...this.all.values()], sets);
  }

  private query(): RowsQuery {
    const { filter, sort, group, stage, directions } = this.state;
    const columns = shownColumns(this.state, this.all).map(column => column.name);
    return { columns, filter, sort, group, expanded: [...this.expanded], stage, directions };
  }

  private getRows(params: IGetRowsParams): void {
    this.onSort(); // the grid tells of a new order later than it asks for the rows
    void this.rows.get(params);
  }

  private take(params: IGetRowsParams, page: Page, buffers: readonly DataView[]): void {
    const rows = decodeRows(page, buffers);
    const best = page.best ?? this.best;
    const changed = JSON.stringify(best) !== JSON.stringify(this.best);
    this.best = best;
    for (const { name, kind } of this.all.values()) if (kind === 'number') asNumbers(rows, name);
    this.count.take(page, this.state);
    params.successCallback(rows, page.total);
    if (changed) this.api.refreshCells({ force: true });
    this.selection.paint();
    this.setHeight();
    this.showCount();
    this.viewport.wantCurves();
    if (params.startRow === 0) void this.lookForHidden();
    this.root.dataset['total'] = String(page.total);
    this.options.onRows?.(rows.filter(row => !row.group).map(row => row.id), this.count.runs, params.startRow);
  }

  private showCount(): void {
    this.count.show(this.selection.ids, statesOf(this.api, this.selection).includes('INTERRUPTED'));
  }

  private async lookForHidden(): Promise<void> {
    const { selection, state } = this;
    const { generation } = this.rows;
    const hidden = await this.count.hiddenOf(selection.ids, generation, () => this.requests.ids({ ...this.query(), group: [], expanded: [] }));
    if (!hidden || this.disposed || generation !== this.rows.generation) return;
    if (!state.filter) selection.remove(hidden); // they are gone, or in another stage
    this.showCount();
  }

  /** Lay the columns out for so many pixels; not anew for each. */
  private setRoom(pixels: number): void {
    const room = Math.round(pixels / 100) * 100;
    if (room === 0 || room === this.room) return;
    this.room = room;
    this.applyColumns();
  }

  private change(part: Partial<TableState>, rows = false): void {
    const before = this.state;
    const state = this.defaults.note({ ...before, ...part }, part.columns);
    this.state = this.defaults.are(before) ? this.defaults.arrange(state) : state;
    const reload = JSON.stringify(rowsKey(before)) !== JSON.stringify(rowsKey(this.state));
    if (rows) this.api.ensureIndexVisible(0, 'top');
    this.apply(rows || reload);
    this.tell();
  }

  /** Bring the grid in line with the state. */
  private apply(rows: boolean): void {
    this.applyColumns();
    this.bar.show(this.state, [...this.all.values()], this.sets);
    if (!rows) return;
    this.rows.renew();
    if (this.all.size > 0) this.api.refreshInfiniteCache();
  }

  /** Give the grid its columns, if they are others: it makes the cells anew then, and the focus is lost. */
  private applyColumns(): void {
    const { state, all, room, options } = this;
    const key = columnsKeyOf(state, all, room);
    if (key === this.columnsKey) return;
    this.columnsKey = key;
    this.applying = true;
    const menu = (name: string, at: Element): void => this.openColumnMenu(name, at);
    const defs = columnDefs(state, all, { context: this.cells(), best: name => this.best[name], menu, editable: options.editable ?? true, room });
    this.api.setGridOption('columnDefs', defs);
    this.applying = false;
  }

  private cells(): CellContext {
    return {
      selected: id => this.selection.has(id),
      groupSelected: key => this.selection.hasGroup(key),
      expanded: key => this.expanded.has(key),
      curve: (id, key) => this.viewport.curve(id, key),
      opens: this.options.onOpen !== undefined,
      metricsOpen: this.options.metricsOpen === true,
      ...(this.options.address ? { address: this.options.address } : {})
    };
  }

  private isSelected(row: Row): boolean {
    return row.group ? this.selection.hasGroup(row.group.key) : this.selection.has(row.id);
  }

  private setHeight(): void {
    const { height } = this.options;
    if (height === 'fill') return;
    this.host.style.height = `${heightOfRows(shownColumns(this.state, this.all), this.count, height)}px`;
  }

  private onSort(): void {
    if (this.applying || this.api.isDestroyed()) return;
    const sort = sortOf(this.api);
    if (JSON.stringify(sort) === JSON.stringify(this.state.sort)) return;
    this.state = this.defaults.note({ ...this.state, sort });
    this.rows.renew();
    this.columnsKey = columnsKeyOf(this.state, this.all, this.room);
    this.tell();
  }

  private tell(): void {
    this.options.onState(this.state);
    if ((this.options.editable ?? true) && this.sets) this.edits.rememberLast(this.state);
  }

  private onMoved(): void {
    this.change(orderOf(this.api, this.state, isSqueezed(this.state, this.all, this.room)));
  }

  private toggleGroup(key: string): void {
    if (!this.expanded.delete(key)) this.expanded.add(key);
    this.rows.renew();
    this.api.refreshCells({ force: true, columns: ['run_name'] });
    this.api.refreshInfiniteCache();
  }

  private openColumnMenu(name: string, at: Element): void {
    const column = this.all.get(name);
    if (!column) return;
    openMenu(this.root, at, `Column ${name}`, columnMenuItems(this.state, column, (part, rows) => this.change(part, rows)));
  }

  private async onEdited(row: Row, name: string, before: unknown, value: unknown): Promise<void> {
    if (value === before || row.group) return;
    const undone = await this.edits.edit(row.id, name, formatValue(value), formatValue(before));
    if (!undone) return;
    row.cells[name] = before as string | null;
    this.api.refreshCells({ force: true, columns: [name] });
  }
}
