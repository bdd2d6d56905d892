import { h } from '@nbtrack/shared/dom';
import { afterPress } from '@nbtrack/shared/presses';
import type { Row } from './run_tree';
import { nameOf } from './tree_selection';
import type { SidebarModel } from './sidebar_model';
import { LINE, type RowAction, heightOf, rowElement, timeText } from './tree_row';

/** Rows that are drawn beyond what is seen, on both sides. */
const BEYOND = 6;
/** How long the tree rests before the rows in sight are asked for. */
const REST_MS = 40;
/** How often the times in the rows are brought up to date. */
const TICK_MS = 15_000;
let trees = 0;

export interface TreeHandlers {
  /** Show a run; `stay` when its tab is to be kept. */
  open(runId: string, stay: boolean): void;
  act(action: RowAction, runId: string): void;
  rename(row: Row, name: string): void;
}

/** The tree of experiments and runs; only the rows that are seen are in the page. */
export class TreeView {
  readonly element = h('div', {
    class: 'nbt-tree',
    role: 'tree',
    tabindex: 0,
    'aria-label': 'Experiments and runs',
    'aria-multiselectable': 'true'
  });
  private readonly sheet = h('div', { class: 'nbt-tree-sheet', role: 'none' });
  private readonly prefix = `nbt-tree-${++trees}`;
  private tops: Float64Array = new Float64Array(1);
  private drawn = new Map<string, { element: HTMLElement; signature: string }>();
  private renaming: string | null = null;
  private frame = 0;
  private asking: ReturnType<typeof setTimeout> | undefined;
  private readonly resized = new ResizeObserver(() => this.schedule());
  private readonly ticking = setInterval(() => this.tick(), TICK_MS);

  constructor(
    private readonly model: SidebarModel,
    private readonly handlers: TreeHandlers
  ) {
    this.element.append(this.sheet);
    this.element.addEventListener('scroll', () => this.schedule());
    this.element.addEventListener('keydown', event => this.onKey(event));
    this.element.addEventListener('click', event => this.onClick(event));
    this.element.addEventListener('dblclick', event => this.onDoubleClick(event));
    this.element.addEventListener('contextmenu', event => this.onContextMenu(event), true);
    this.element.addEventListener('focus', () => this.onFocus());
    this.resized.observe(this.element);
  }

  dispose(): void {
    this.resized.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.asking);
    clearInterval(this.ticking);
  }

  /** Draw what the model says now. */
  update(): void {
    const rows = this.model.tree.rows;
    const tops = new Float64Array(rows.length + 1);
    rows.forEach((row, i) => (tops[i + 1] = tops[i]! + heightOf(row)));
    this.tops = tops;
    this.sheet.style.height = `${tops.at(-1)}px`;
    this.draw();
  }

  /** Change the name of a run or an experiment in its row. */
  rename(row: Row | undefined): void {
    if (!row || row.kind === 'gap') return;
    const { key } = row;
    this.model.selection.active = key;
    this.reveal();
    const line = this.drawn.get(key)?.element.querySelector<HTMLElement>('.nbt-row-name');
    if (!line) return;
    this.renaming = key;
    const input = h('input', { class: 'nbt-rename', type: 'text', value: nameOf(row), 'aria-label': `New name of ${nameOf(row)}` });
    let done = false;
    const end = (commit: boolean): void => {
      if (done) return;
      done = true;
      const name = input.value.trim();
      const kept = document.activeElement === input;
      this.renaming = null;
      this.drawn.get(key)?.element.remove();
      this.drawn.delete(key);
      this.update();
      if (kept) this.element.focus();
      if (commit && name && name !== nameOf(row)) this.handlers.rename(row, name);
    };
    input.addEventListener('keydown', event => {
      event.stopPropagation();
      if (event.key === 'Enter') end(true);
      if (event.key === 'Escape') end(false);
    });
    for (const type of ['click', 'dblclick', 'mousedown'] as const) input.addEventListener(type, e => e.stopPropagation());
    input.addEventListener('blur', () => end(true));
    line.replaceWith(input);
    input.focus();
    input.select();
  }

  /** Scroll to the active row. */
  reveal(): void {
    const at = this.model.tree.indexOf(this.model.selection.active);
    if (at >= 0) {
      const box = this.element;
      const [top, bottom] = [this.tops[at]!, this.tops[at + 1]!];
      if (top < box.scrollTop) box.scrollTop = top;
      else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight;
    }
    this.draw();
  }

  private tick(): void {
    if (!document.hidden && this.element.offsetParent !== null) this.draw();
  }

  private schedule(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  private range(): [first: number, last: number] {
    const { scrollTop, clientHeight } = this.element;
    return [this.at(scrollTop) - BEYOND, this.at(scrollTop + clientHeight) + BEYOND];
  }

  private at(y: number): number {
    let low = 0;
    let high = this.tops.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.tops[middle]! <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  private draw(): void {
    afterPress(this.sheet, () => this.drawRows());
  }

  private drawRows(): void {
    const { tree, selection } = this.model;
    const rows = tree.rows;
    if (this.tops.length !== rows.length + 1) return this.update();
    const [first, last] = this.range();
    const active = tree.indexOf(selection.active);
    const wanted = new Set<number>();
    for (let i = Math.max(0, first); i <= Math.min(last, rows.length - 1); i++) wanted.add(i);
    if (active >= 0) wanted.add(active);
    if (this.renaming) wanted.add(tree.indexOf(this.renaming));
    const focused = this.focusedButton();
    const keep = new Map<string, { element: HTMLElement; signature: string }>();
    // in the order of the rows, so that the keyboard goes through their buttons in that order
    let before: Element | null = null;
    for (const i of [...wanted].sort((a, b) => a - b)) {
      const row = rows[i];
      if (!row) continue;
      const drawn = this.elementOf(row, i);
      keep.set(row.key, drawn);
      this.mark(drawn.element, row, i, i === active);
      const next: Element | null = before ? before.nextElementSibling : this.sheet.firstElementChild;
      if (next !== drawn.element) this.sheet.insertBefore(drawn.element, next);
      before = drawn.element;
    }
    for (const [key, { element }] of this.drawn) if (keep.get(key)?.element !== element) element.remove();
    this.drawn = keep;
    const activeId = active >= 0 ? keep.get(rows[active]!.key)?.element.id : undefined;
    if (activeId) this.element.setAttribute('aria-activedescendant', activeId);
    else this.element.removeAttribute('aria-activedescendant');
    if (focused) this.focusAgain(focused);
    // who scrolls fast passes pages that nobody needs
    clearTimeout(this.asking);
    this.asking = setTimeout(() => this.model.need(first, last), REST_MS);
  }

  private elementOf(row: Row, index: number): { element: HTMLElement; signature: string } {
    const known = this.drawn.get(row.key);
    if (known && row.key === this.renaming) return known;
    const signature = JSON.stringify(row) + timeText(row);
    if (known?.signature === signature) return known;
    return { element: rowElement(row, `${this.prefix}-${index}-${row.key}`, this.handlers.act), signature };
  }

  private mark(element: HTMLElement, row: Row, index: number, active: boolean): void {
    element.style.top = `${this.tops[index]}px`;
    element.style.height = `${this.tops[index + 1]! - this.tops[index]!}px`;
    element.toggleAttribute('data-active', active);
    if (row.kind === 'run') element.setAttribute('aria-selected', String(this.model.selection.chosen.has(row.key)));
    for (const button of element.querySelectorAll('button')) button.tabIndex = active ? 0 : -1;
  }

  private focusedButton(): { key: string; at: number } | null {
    const button = document.activeElement;
    const row = button?.closest<HTMLElement>('.nbt-row');
    if (button?.tagName !== 'BUTTON' || !row || !this.sheet.contains(row)) return null;
    return { key: row.dataset['key'] ?? '', at: [...row.querySelectorAll('button')].indexOf(button as HTMLButtonElement) };
  }

  private focusAgain({ key, at }: { key: string; at: number }): void {
    if (this.sheet.contains(document.activeElement)) return;
    (this.drawn.get(key)?.element.querySelectorAll('button')[at] ?? this.element).focus();
  }

  private onFocus(): void {
    const { tree, selection } = this.model;
    if (tree.indexOf(selection.active) < 0) selection.active = tree.rows[0]?.key ?? null;
    this.draw();
  }

  private onKey(event: KeyboardEvent): void {
    if (event.target !== this.element || event.altKey) return;
    const { selection } = this.model;
    if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) {
      event.preventDefault();
      return this.openMenu();
    }
    const modifiers = { shift: event.shiftKey, accel: event.ctrlKey || event.metaKey };
    const page = Math.max(1, Math.floor(this.element.clientHeight / LINE) - 1);
    const effect = selection.press(event.key, modifiers, page, Date.now());
    if (effect === null) return;
    event.preventDefault();
    event.stopPropagation();
    if (effect === 'open' && selection.active) this.handlers.open(selection.active.slice(4), true);
    if (effect === 'changed') {
      this.update();
      this.reveal();
      this.model.changed.emit(undefined);
    }
  }

  private rowAt(event: Event): Row | undefined {
    const element = (event.target as Element).closest<HTMLElement>('.nbt-row');
    return this.model.tree.row(element?.dataset['key'] ?? null);
  }

  private onClick(event: MouseEvent): void {
    const row = this.rowAt(event);
    if (!row || row.kind === 'gap' || (event.target as Element).closest('button')) return;
    const modifiers = { shift: event.shiftKey, accel: event.ctrlKey || event.metaKey };
    const onCaret = (event.target as Element).closest('.nbt-caret') !== null && row.expanded !== null;
    if (onCaret || (row.kind === 'experiment' && !modifiers.shift && !modifiers.accel)) {
      this.model.selection.active = row.key;
      this.model.tree.toggle(row.key);
    } else {
      this.model.selection.click(row.key, modifiers);
      const plain = !modifiers.shift && !modifiers.accel;
      if (row.kind === 'run' && plain && event.detail < 2) this.handlers.open(row.run.run_id, false);
    }
    this.update();
    this.model.changed.emit(undefined);
  }

  private onDoubleClick(event: MouseEvent): void {
    const row = this.rowAt(event);
    if (row?.kind === 'run' && !(event.target as Element).closest('button, .nbt-caret')) {
      this.handlers.open(row.run.run_id, true);
    }
  }

  private onContextMenu(event: MouseEvent): void {
    const row = this.rowAt(event);
    if (!row) return;
    const { selection } = this.model;
    if (selection.chosen.has(row.key)) selection.active = row.key;
    else selection.click(row.key, { shift: false, accel: false });
    selection.hold();
    this.draw();
    this.model.changed.emit(undefined);
  }

  /** Open the menu of the active row, as a click with the other button would. */
  private openMenu(): void {
    this.reveal();
    const element = this.drawn.get(this.model.selection.active ?? '')?.element;
    if (!element) return;
    const { left, top } = element.getBoundingClientRect();
    const place = { bubbles: true, cancelable: true, clientX: left + 40, clientY: top + LINE - 4, button: 2 };
    element.dispatchEvent(new MouseEvent('contextmenu', place));
  }
}
