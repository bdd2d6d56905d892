import { h } from './dom';
import { afterPress } from './presses';
import type { Column, TableColumns } from './requests';
import { FAMILIES, heading } from './rows';
import { Popup } from './table_popup';

export interface ColumnMenuEvents {
  columns(names: string[]): void;
  differing(only: boolean): void;
  useSet(name: string): void;
  saveSet(name: string): void;
  dropSet(name: string): void;
}

const FAMILY_WORDS: Record<string, string> = { '': 'Run', sql: 'SQL', curves: 'Curves' };

/** The menu that chooses the columns, and keeps sets of them. */
export class ColumnMenu {
  readonly popup = new Popup('Columns', () => this.open(), 'nbt-columnmenu');
  private readonly search = h('input', { type: 'search', placeholder: 'Find a column', 'aria-label': 'Find a column', autofocus: true });
  private readonly only = h('input', { type: 'checkbox' });
  private readonly list = h('div', { class: 'nbt-columnlist' });
  private readonly sets = h('div', { class: 'nbt-sets' });
  private all: readonly Column[] = [];
  private visible: readonly string[] = [];
  private known: TableColumns['sets'] = null;

  constructor(private readonly events: ColumnMenuEvents) {
    const differing = h('label', { class: 'nbt-only' }, this.only, 'Only columns that differ');
    this.popup.panel.append(this.search, differing, this.list, this.sets);
    this.only.addEventListener('change', () => this.events.differing(this.only.checked));
    this.search.addEventListener('input', () => this.render());
    this.search.addEventListener('keydown', event => this.onSearchKey(event));
    this.list.addEventListener('change', event => this.onChange(event));
  }

  show(all: readonly Column[], visible: readonly string[], differing: boolean, sets: TableColumns['sets']): void {
    this.all = all;
    this.visible = visible;
    this.known = sets;
    this.only.checked = differing;
    if (this.popup.open) afterPress(this.popup.panel, () => this.render());
  }

  dispose(): void {
    this.popup.dispose();
  }

  private open(): void {
    this.search.value = '';
    this.render();
  }

  private render(): void {
    const shown = new Set(this.visible);
    const focused = document.activeElement;
    const kept = focused instanceof HTMLInputElement && this.list.contains(focused) ? focused.value : '';
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (column: Column): boolean => words.every(word => column.name.toLowerCase().includes(word));
    const sections = FAMILIES.flatMap(family => {
      const columns = this.all.filter(column => heading(column.name).family === family && fits(column));
      if (columns.length === 0) return [];
      const options = columns.map(column =>
        h(
          'label',
          { title: column.name, class: column.differs ? undefined : 'nbt-same' },
          h('input', { type: 'checkbox', value: column.name, checked: shown.has(column.name) }),
          heading(column.name).label
        )
      );
      const word = FAMILY_WORDS[family] ?? family.charAt(0).toUpperCase() + family.slice(1);
      return [h('fieldset', {}, h('legend', {}, word), ...options)];
    });
    this.list.replaceChildren(...(sections.length > 0 ? sections : [h('p', { class: 'nbt-same' }, 'No column has this in its name.')]));
    this.renderSets();
    if (kept) this.list.querySelector<HTMLElement>(`input[value="${CSS.escape(kept)}"]`)?.focus();
  }

  private renderSets(): void {
    if (!this.known) return this.sets.replaceChildren();
    const name = h('input', { type: 'text', placeholder: 'Save these columns as…', 'aria-label': 'Name of a column set' });
    name.addEventListener('keydown', event => {
      if (event.key !== 'Enter' || !name.value.trim()) return;
      event.preventDefault();
      this.events.saveSet(name.value.trim());
      name.value = '';
    });
    const rows = Object.keys(this.known.named).map(set => {
      const use = h('button', { type: 'button', class: 'nbt-set' }, set);
      const drop = h('button', { type: 'button', class: 'nbt-drop', 'aria-label': `Forget the column set ${set}`, title: 'Forget' }, '✕');
      use.addEventListener('click', () => this.events.useSet(set));
      drop.addEventListener('click', () => this.events.dropSet(set));
      return h('div', {}, use, drop);
    });
    this.sets.replaceChildren(...rows, name);
  }

  private onSearchKey(event: KeyboardEvent): void {
    const first = this.list.querySelector<HTMLInputElement>('input');
    if (event.key !== 'Enter' || !first || !this.search.value) return;
    event.preventDefault();
    first.checked = !first.checked;
    this.choose(first);
  }

  private onChange(event: Event): void {
    this.choose(event.target as HTMLInputElement);
  }

  private choose(box: HTMLInputElement): void {
    const names = box.checked ? [...this.visible, box.value] : this.visible.filter(name => name !== box.value);
    this.events.columns(names);
  }
}
