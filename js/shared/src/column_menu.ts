import { h } from './dom';
import type { Column } from './protocol';
import { heading } from './rows';

export interface ColumnMenuEvents {
  columns(names: string[]): void;
  differing(only: boolean): void;
}

const FAMILIES = ['', 'metrics', 'params', 'tags'];

/** The menu that chooses the columns. */
export class ColumnMenu {
  readonly element: HTMLDetailsElement;
  private readonly list = h('div', { class: 'nbt-columnlist' });
  private readonly only = h('input', { type: 'checkbox' });
  private readonly abort = new AbortController();
  private readonly popup: HTMLElement;
  private all: readonly Column[] = [];
  private visible: readonly string[] = [];

  constructor(private readonly events: ColumnMenuEvents) {
    const { signal } = this.abort;
    const differing = h('label', { class: 'nbt-only' }, this.only, 'Only columns that differ');
    this.popup = h('div', { class: 'nbt-popup', popover: 'manual' }, differing, this.list);
    this.element = h('details', { class: 'nbt-columns' }, h('summary', {}, 'Columns'), this.popup);
    this.only.addEventListener('change', () => this.events.differing(this.only.checked), { signal });
    this.list.addEventListener('change', event => this.onChange(event), { signal });
    this.element.addEventListener('toggle', () => (this.element.open ? this.open() : this.popup.hidePopover?.()), { signal });
    this.element.addEventListener('keydown', event => event.key === 'Escape' && this.close(), { signal });
    for (const type of ['pointerdown', 'scroll', 'wheel']) {
      document.addEventListener(
        type,
        event => {
          if (!event.composedPath().includes(this.element)) this.element.open = false;
        },
        { signal, capture: true, passive: true }
      );
    }
  }

  show(all: readonly Column[], visible: readonly string[]): void {
    this.all = all;
    this.visible = visible;
    if (this.element.open) this.render();
  }

  dispose(): void {
    this.abort.abort();
  }

  /** Above everything else in the page: a cell's output would cut it off. */
  private open(): void {
    this.render();
    if (!this.popup.showPopover) return;
    this.popup.showPopover();
    const at = this.element.getBoundingClientRect();
    const { offsetWidth, offsetHeight } = this.popup;
    const below = at.bottom + 4 + offsetHeight <= innerHeight || at.top < offsetHeight;
    this.popup.style.left = `${Math.max(4, at.right - offsetWidth)}px`;
    this.popup.style.top = `${below ? at.bottom + 4 : at.top - offsetHeight - 4}px`;
  }

  private close(): void {
    this.element.open = false;
    this.element.querySelector('summary')?.focus();
  }

  private render(): void {
    const shown = new Set(this.visible);
    const focused = (document.activeElement as HTMLInputElement | null)?.value;
    this.list.replaceChildren(
      ...FAMILIES.flatMap(family => {
        const columns = this.all.filter(column => heading(column.name).family === family);
        if (columns.length === 0) return [];
        const options = columns.map(column =>
          h(
            'label',
            { title: column.name, class: column.differs ? undefined : 'nbt-same' },
            h('input', { type: 'checkbox', value: column.name, checked: shown.has(column.name) }),
            heading(column.name).label
          )
        );
        return [h('fieldset', {}, h('legend', {}, family || 'run'), ...options)];
      })
    );
    if (focused) this.list.querySelector<HTMLElement>(`input[value="${CSS.escape(focused)}"]`)?.focus();
  }

  private onChange(event: Event): void {
    const box = event.target as HTMLInputElement;
    const names = box.checked ? [...this.visible, box.value] : this.visible.filter(name => name !== box.value);
    this.events.columns(names);
  }
}
