import type { ColDef, ColGroupDef, IHeaderParams, IInnerHeaderComponent, SuppressKeyboardEventParams } from 'ag-grid-community';
import { h } from './dom';
import type { TableState } from './protocol_table';
import type { Column, Direction } from './requests';
import { columnWidth, heading, type Row } from './rows';
import { type CellContext, curveCell, metricCell, nameCell, selectCell, stateCell, textOf, verdictCell } from './table_cells';

const NUMERIC = new Set(['number', 'duration']);
const FAMILY_WORDS: Record<string, string> = { params: 'Params', metrics: 'Metrics', curves: 'Curves', tags: 'Tags', sql: 'SQL' };

export const SELECT = 'select';
const SELECT_WIDTH = 36;

/** The columns that are shown, in their order: a group's columns stay, whatever is chosen. */
export function shownColumns(state: TableState, all: ReadonlyMap<string, Column>): Column[] {
  return state.columns.flatMap(name => {
    const column = all.get(name);
    if (!column) return [];
    const same = state.differing && !column.differs && name !== 'run_name' && !column.editable && column.kind !== 'curve';
    return same ? [] : [column];
  });
}

/** Which way a column is best: what the user has said, else what its name says. */
export function directionOf(state: TableState, column: Column): Direction | null {
  const said = state.directions[column.name];
  return said === 'none' ? null : (said ?? column.direction);
}

export interface ColumnOptions {
  context: CellContext;
  best(name: string): number | undefined;
  menu(name: string, at: Element): void;
  editable: boolean;
  /** How wide the table is, in pixels; 0 where that is not known. */
  room: number;
}

/** The share of a table that columns may take which do not scroll. */
const MOST_PINNED = 0.45;
const NAME_SHARE = 0.26;
const LEAST_NAME = 120;

/** Whether the pinned columns would leave no room for the others: then the name alone is pinned. */
export function isSqueezed(state: TableState, all: ReadonlyMap<string, Column>, room: number): boolean {
  if (room === 0) return false;
  const pinned = shownColumns(state, all).filter(column => state.pinned.includes(column.name));
  return pinned.length > 1 && pinned.reduce((sum, column) => sum + widthOf(column, state, room), SELECT_WIDTH) > MOST_PINNED * room;
}

/** How wide a column is: that of the names shrinks with the table. */
function widthOf({ name, kind }: Column, state: TableState, room: number): number {
  const wide = state.widths[name] ?? columnWidth(name, kind, state.group.length > 0);
  if (name !== 'run_name' || room === 0) return wide;
  const share = state.widths[name] === undefined ? NAME_SHARE : MOST_PINNED;
  return Math.min(wide, Math.max(LEAST_NAME, Math.round(share * room)));
}

/** The grid's columns: pinned ones first, neighbours of one family below a common heading. */
export function columnDefs(state: TableState, all: ReadonlyMap<string, Column>, options: ColumnOptions): (ColDef<Row> | ColGroupDef<Row>)[] {
  const shown = shownColumns(state, all);
  const labels = shown.map(column => heading(column.name).label);
  const squeezed = isSqueezed(state, all, options.room);
  const defs: (ColDef<Row> | ColGroupDef<Row>)[] = [selectDef(options)];
  let open: { family: string; pinned: boolean; children: ColDef<Row>[] } | null = null;
  shown.forEach(column => {
    const { family, label } = heading(column.name);
    const ambiguous = labels.indexOf(label) !== labels.lastIndexOf(label) && family === '';
    const def = columnDef(column, ambiguous ? column.name : label, squeezed ? { ...state, pinned: ['run_name'] } : state, options);
    const pinned = def.pinned === 'left';
    if (!family) {
      open = null;
      defs.push(def);
    } else if (open && open.family === family && open.pinned === pinned) {
      open.children.push(def);
    } else {
      open = { family, pinned, children: [def] };
      defs.push({ headerName: FAMILY_WORDS[family] ?? family, headerClass: 'nbt-family', children: open.children });
    }
  });
  return defs;
}

function selectDef(options: ColumnOptions): ColDef<Row> {
  return {
    colId: SELECT,
    headerName: '',
    width: SELECT_WIDTH,
    minWidth: SELECT_WIDTH,
    maxWidth: SELECT_WIDTH,
    pinned: 'left',
    lockPinned: true,
    lockPosition: 'left',
    sortable: false,
    resizable: false,
    suppressMovable: true,
    cellClass: 'nbt-selectcell',
    suppressKeyboardEvent: keepTyping,
    cellRenderer: selectCell(options.context)
  };
}

function columnDef(column: Column, label: string, state: TableState, options: ColumnOptions): ColDef<Row> {
  const { name, kind } = column;
  const numeric = NUMERIC.has(kind);
  const way = directionOf(state, column);
  const falls = way === 'max' || (!way && (numeric || kind === 'time'));
  const sorted = state.sort.findIndex(([other]) => other === name);
  const editable = options.editable && Boolean(column.editable);
  const def: ColDef<Row> = {
    colId: name,
    headerName: label,
    width: widthOf(column, state, options.room),
    minWidth: 48,
    pinned: state.pinned.includes(name) ? 'left' : null,
    sort: sorted < 0 ? null : state.sort[sorted]?.[1] ? 'asc' : 'desc',
    sortIndex: sorted < 0 ? null : sorted,
    sortable: kind !== 'curve',
    sortingOrder: falls ? ['desc', 'asc', null] : ['asc', 'desc', null],
    headerComponentParams: { innerHeaderComponent: Heading, innerHeaderComponentParams: { column, way, menu: options.menu } },
    headerClass: numeric ? 'nbt-numeric' : undefined,
    editable: editable ? ({ data }) => data !== undefined && !data.group : false,
    suppressKeyboardEvent: name === 'run_name' && options.context.opens ? keepName : keepTyping,
    valueGetter: ({ data }) => data?.cells[name] ?? null,
    valueFormatter: ({ data }) => textOf(data, column),
    valueSetter: ({ data, newValue }) => {
      data.cells[name] = String(newValue ?? '');
      return true;
    },
    cellClass: ({ data, value }) => {
      const classes = [`nbt-kind-${kind}`];
      if (numeric) classes.push('nbt-numeric');
      if (editable && data && !data.group) classes.push('nbt-editable');
      if (typeof value === 'number' && value === options.best(name) && !data?.child) classes.push('nbt-best');
      return classes;
    }
  };
  if (kind === 'state') def.cellRenderer = stateCell;
  if (kind === 'verdict') def.cellRenderer = verdictCell(column);
  if (kind === 'curve') def.cellRenderer = curveCell(options.context, column);
  if (options.context.metricsOpen && numeric && name.startsWith('metrics.')) def.cellRenderer = metricCell(options.context, column);
  if (name === 'run_name') def.cellRenderer = nameCell(options.context);
  return def;
}

/** A key that is a character does not open the editor: Space selects, and typing by mistake changes nothing. */
function keepTyping({ event, editing }: SuppressKeyboardEventParams<Row>): boolean {
  // here and not where the key is handled: the grid tells of it later, when Space has scrolled the page
  const all = event.key === 'a' && (event.ctrlKey || event.metaKey);
  if (!editing && (event.key === ' ' || all)) event.preventDefault();
  return !editing && (event.key.length === 1 || event.key === 'Delete' || event.key === 'Backspace');
}

/** Enter opens the run of a name, as a click does; F2 edits it. */
function keepName(params: SuppressKeyboardEventParams<Row>): boolean {
  return keepTyping(params) || (!params.editing && params.event.key === 'Enter');
}

interface HeadingParams {
  column: Column;
  way: Direction | null;
  menu(name: string, at: Element): void;
}

/** The words of a heading, and the button of its menu. */
class Heading implements IInnerHeaderComponent {
  private element!: HTMLElement;
  private text!: HTMLElement;

  init(params: IHeaderParams & HeadingParams): void {
    const { column, way, menu } = params;
    this.text = h('span', { class: 'nbt-label' }, params.displayName);
    const best = way ? `: ${way === 'min' ? 'the lowest' : 'the highest'} is best` : '';
    const button = h('span', { class: 'nbt-headmenu', 'aria-hidden': 'true', title: `Options of ${column.name}` }, '⋮');
    button.addEventListener('click', event => {
      event.stopPropagation();
      menu(column.name, button);
    });
    this.element = h('span', { class: 'nbt-heading', title: column.name + best, 'data-column': column.name }, this.text, button);
  }

  getGui(): HTMLElement {
    return this.element;
  }

  refresh(): boolean {
    return false;
  }
}
