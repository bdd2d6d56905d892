import type { CellKeyDownEvent, GridApi, RowClickedEvent } from 'ag-grid-community';
import { messageOf } from './dom';
import type { Row } from './rows';
import type { Selection } from './table_selection';

/** What a table does when the pointer or the keyboard asks for it. */
export interface TableActions {
  /** The ids of the runs that match, or of some groups of them. */
  matching(groups?: string[]): Promise<string[]>;
  failed(message: string): void;
  toggleGroup(key: string): void;
  open(runId: string): void;
  openMenu(column: string, at: Element): void;
  hasColumn(name: string): boolean;
  /** Whether Enter edits the cells of a column. */
  edits(name: string): boolean;
}

/** The pointer and the keyboard in a table: they select rows, open runs and groups, and open menus. */
export class TableInput {
  constructor(
    private readonly api: GridApi<Row>,
    private readonly selection: Selection,
    private readonly actions: TableActions
  ) {}

  onClick({ data, event, rowIndex }: RowClickedEvent<Row>): void {
    const target = event?.target as HTMLElement | null;
    if (!data || rowIndex === null || !(event instanceof MouseEvent)) return;
    const opened = target?.closest<HTMLElement>('[data-open]')?.dataset['open'];
    if (opened) {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a link in a tab of its own
      event.preventDefault();
      return this.actions.open(opened);
    }
    const box = target?.closest('.nbt-selectcell') !== null;
    if (data.group && !box) return this.actions.toggleGroup(data.group.key);
    if (event.shiftKey) this.selection.range(rowIndex);
    else if (data.group) void this.selectGroup(data.group.key);
    else this.selection.toggle(data.id, rowIndex, box || event.ctrlKey || event.metaKey);
  }

  onKey({ data, event, column, rowIndex }: CellKeyDownEvent<Row>): void {
    if (!(event instanceof KeyboardEvent) || !data || rowIndex === null || this.api.getEditingCells().length > 0) return;
    if ((event.target as Element).matches('input, textarea, select')) return; // Enter has just ended an edit
    const { key } = event;
    if (key === ' ' || (key === 'Enter' && data.group)) {
      if (data.group && key === 'Enter') this.actions.toggleGroup(data.group.key);
      else if (data.group) void this.selectGroup(data.group.key);
      else if (event.shiftKey) this.selection.range(rowIndex);
      else this.selection.toggle(data.id, rowIndex, true);
    } else if ((key === 'ArrowDown' || key === 'ArrowUp') && event.shiftKey) {
      this.selection.range(this.api.getFocusedCell()?.rowIndex ?? rowIndex);
    } else if (key === 'Enter' && !this.actions.edits(column.getColId())) this.actions.open(data.id);
    else if (key === 'a' && (event.ctrlKey || event.metaKey)) void this.selectAll();
    else return;
    event.preventDefault();
  }

  /** Take the keyboard to the row of a run; return whether it is here. */
  focus(runId: string): boolean {
    const index = this.api.getRowNode(runId)?.rowIndex;
    if (index === null || index === undefined) return false;
    this.api.ensureIndexVisible(index);
    this.api.setFocusedCell(index, 'run_name');
    return true;
  }

  /** What the grid would hear first. */
  onCapturedKey(event: KeyboardEvent): void {
    this.onHeaderKey(event);
    this.onEscape(event);
  }

  /** Escape clears the selection; without one it is not the table's, and leaves it. */
  private onEscape(event: KeyboardEvent): void {
    if (event.key !== 'Escape' || this.selection.ids.length === 0 || this.api.getEditingCells().length > 0) return;
    event.preventDefault();
    event.stopPropagation();
    this.selection.set([]);
  }

  /** From a heading, Alt+Down or the menu key opens its menu. */
  private onHeaderKey(event: KeyboardEvent): void {
    const cell = (event.target as HTMLElement).closest<HTMLElement>('.ag-header-cell');
    const name = cell?.getAttribute('col-id');
    const wanted = event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey) || (event.key === 'ArrowDown' && event.altKey);
    if (!cell || !name || !wanted || !this.actions.hasColumn(name)) return;
    event.preventDefault();
    event.stopPropagation();
    this.actions.openMenu(name, cell);
  }

  private selectGroup(key: string): Promise<void> {
    return this.select([key], ids => this.selection.toggleGroup(key, ids));
  }

  private selectAll(): Promise<void> {
    return this.select(undefined, ids => this.selection.set(ids));
  }

  private async select(groups: string[] | undefined, take: (ids: string[]) => void): Promise<void> {
    try {
      take(await this.actions.matching(groups));
    } catch (error) {
      this.actions.failed(messageOf(error));
    }
  }
}
