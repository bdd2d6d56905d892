import type { GridApi } from 'ag-grid-community';
import type { Row } from './rows';

/**
 * The selected runs, whether their rows are here or not.
 *
 * The grid's own selection knows only rows that it has loaded; this one is told ids by Python too.
 */
export class Selection {
  private chosen = new Set<string>();
  private readonly groups = new Map<string, string[]>();
  private anchor = 0;

  constructor(
    private readonly api: GridApi<Row>,
    private readonly host: HTMLElement,
    private readonly onChange: (ids: string[]) => void
  ) {}

  get ids(): string[] {
    return [...this.chosen];
  }

  has(id: string): boolean {
    return this.chosen.has(id);
  }

  hasGroup(key: string): boolean {
    const ids = this.groups.get(key);
    return ids !== undefined && ids.length > 0 && ids.every(id => this.chosen.has(id));
  }

  /** Take ids without telling anybody. */
  replace(ids: readonly string[]): void {
    this.chosen = new Set(ids);
    this.paint();
  }

  set(ids: readonly string[]): void {
    if (ids.length === 0 && this.chosen.size === 0) return;
    this.replace(ids);
    this.onChange(this.ids);
  }

  remove(ids: readonly string[]): void {
    const gone = new Set(ids);
    this.set(this.ids.filter(id => !gone.has(id)));
  }

  toggle(id: string, index: number, add: boolean): void {
    this.anchor = index;
    const ids = new Set(add ? this.chosen : []);
    if (this.chosen.has(id)) ids.delete(id);
    else ids.add(id);
    this.set([...ids]);
    if (ids.size === 0) this.onChange([]);
  }

  toggleGroup(key: string, members: readonly string[]): void {
    this.groups.set(key, [...members]);
    const all = members.every(id => this.chosen.has(id));
    const ids = new Set(this.chosen);
    for (const id of members) {
      if (all) ids.delete(id);
      else ids.add(id);
    }
    this.set([...ids]);
  }

  /** Select the rows from where the last one was selected to this one, as far as they are here. */
  range(index: number): void {
    const ids: string[] = [];
    for (let i = Math.min(this.anchor, index); i <= Math.max(this.anchor, index); i++) {
      const row = this.api.getDisplayedRowAtIndex(i)?.data;
      if (row && !row.group) ids.push(row.id);
    }
    this.set(ids);
  }

  /** Show in the rows that are on the screen what is selected. */
  paint(): void {
    for (const element of this.host.querySelectorAll<HTMLElement>('.ag-row[row-id]')) {
      const id = element.getAttribute('row-id') ?? '';
      const on = id.startsWith('group:') ? this.hasGroup(id.slice(6)) : this.chosen.has(id);
      element.classList.toggle('nbt-selected', on);
      element.setAttribute('aria-selected', String(on));
      element.querySelector('.nbt-box')?.setAttribute('aria-checked', String(on));
    }
  }
}
