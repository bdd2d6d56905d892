import { label } from './comparison_data';
import { h } from './dom';
import { formatNumber } from './format';
import type { Axis } from './parallel_axes';
import type { Brush } from './view_data';

export interface AxisMenuEvents {
  brush(name: string, brush: Brush | null): void;
  log(name: string, log: boolean): void;
  move(name: string, by: number): void;
  remove(name: string): void;
  add(name: string): void;
}

/** What an axis can do, for the keyboard too: a range or values to type, its scale, its place. */
export class AxisMenu {
  readonly element = h('div', { class: 'nbt-axis-menu', role: 'dialog', hidden: true });
  private opener: HTMLElement | null = null;

  constructor(private readonly events: AxisMenuEvents) {
    this.element.addEventListener('keydown', event => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      this.close();
    });
    document.addEventListener('pointerdown', this.onOutside, true);
  }

  open(opener: HTMLElement, axis: Axis, brush: Brush | null): void {
    if (!this.element.hidden && this.opener === opener) return this.close();
    this.opener = opener;
    this.element.setAttribute('aria-label', `Axis ${axis.label}`);
    this.element.replaceChildren(h('strong', {}, axis.label), this.range(axis, brush), this.actions(axis, brush));
    this.element.hidden = false;
    const host = this.element.parentElement!.getBoundingClientRect();
    const place = opener.getBoundingClientRect();
    this.element.style.top = `${place.bottom - host.top + 4}px`;
    this.element.style.left = `${Math.max(0, Math.min(place.left - host.left, host.width - 216))}px`;
    this.element.querySelector<HTMLElement>('input')?.focus();
  }

  close(): void {
    if (this.element.hidden) return;
    this.element.hidden = true;
    const name = this.opener?.dataset['axis'];
    const again = this.opener?.isConnected ? this.opener : this.element.parentElement?.querySelector<HTMLElement>(`[data-axis="${CSS.escape(name ?? '')}"]`);
    again?.focus({ preventScroll: true });
  }

  /** A choice of columns that are no axes yet. */
  adder(names: readonly string[]): HTMLElement {
    const select = h('select', { 'aria-label': 'Add an axis' }, h('option', { value: '' }, 'Add axis…'), ...names.map(name => h('option', { value: name }, label(name))));
    select.hidden = names.length === 0;
    select.addEventListener('change', () => select.value && this.events.add(select.value));
    return h('span', { class: 'nbt-choice' }, select);
  }

  dispose(): void {
    document.removeEventListener('pointerdown', this.onOutside, true);
  }

  private range(axis: Axis, brush: Brush | null): HTMLElement {
    if (axis.scale.kind === 'category') {
      const chosen = brush && 'values' in brush ? brush.values : axis.column.categories;
      const boxes = axis.column.categories.map(name => {
        const box = h('input', { type: 'checkbox', value: name, checked: chosen.includes(name) });
        return [box, h('label', {}, box, name)] as const;
      });
      for (const [box] of boxes) {
        box.addEventListener('change', () => {
          const values = boxes.filter(([other]) => other.checked).map(([other]) => other.value);
          this.events.brush(axis.name, values.length === boxes.length ? null : { column: axis.name, values });
        });
      }
      return h('fieldset', {}, h('legend', {}, 'Runs with'), ...boxes.map(([, line]) => line));
    }
    const [low, high] = brush && 'low' in brush ? [brush.low, brush.high] : [axis.scale.low, axis.scale.high];
    const input = (word: string, value: number): HTMLInputElement =>
      h('input', { type: 'number', step: 'any', value: String(Number(value.toPrecision(6))), 'aria-label': `${word} of ${axis.label}` });
    const [from, to] = [input('Lowest', low), input('Highest', high)];
    const apply = (): void => {
      const [a, b] = [Number(from.value), Number(to.value)];
      if (from.value === '' || to.value === '' || !Number.isFinite(a) || !Number.isFinite(b)) return;
      this.events.brush(axis.name, { column: axis.name, low: Math.min(a, b), high: Math.max(a, b) });
    };
    from.addEventListener('change', apply);
    to.addEventListener('change', apply);
    const all = `all: ${formatNumber(axis.scale.low)} to ${formatNumber(axis.scale.high)}`;
    return h('fieldset', {}, h('legend', {}, 'Runs from … to'), h('div', { class: 'nbt-range' }, from, '–', to), h('small', {}, all));
  }

  private actions(axis: Axis, brush: Brush | null): HTMLElement {
    const button = (text: string, act: () => void, off = false): HTMLElement => {
      const made = h('button', { type: 'button', disabled: off }, text);
      made.addEventListener('click', () => {
        this.close();
        act();
      });
      return made;
    };
    const log = axis.scale.kind === 'log';
    const scale = axis.scale.kind === 'category' ? [] : [button(log ? 'Linear scale' : 'Log scale', () => this.events.log(axis.name, !log), !log && axis.scale.low <= 0)];
    return h(
      'div',
      { class: 'nbt-axis-actions' },
      button('Clear brush', () => this.events.brush(axis.name, null), !brush),
      ...scale,
      button('← Move', () => this.events.move(axis.name, -1)),
      button('Move →', () => this.events.move(axis.name, 1)),
      button('Remove', () => this.events.remove(axis.name))
    );
  }

  private readonly onOutside = (event: Event): void => {
    if (this.element.hidden) return;
    const path = event.composedPath();
    if (!path.includes(this.element) && !(this.opener && path.includes(this.opener))) this.element.hidden = true;
  };
}
