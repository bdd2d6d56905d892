import type { Backend } from './backend';
import { h, messageOf } from './dom';
import { keepFocus } from './kept_focus';
import { afterPress } from './presses';
import type { FoundItem } from './requests';

/** How many names of one source stand in the line; the others come with a click. */
const FEW = 8;

/** What was found about a run without a log call, where each came from, and a button that leaves it out. */
export class FoundLine {
  readonly element = h('div', { class: 'nbt-found', hidden: true });
  private readonly problem = h('span', { class: 'nbt-found-problem', role: 'alert', hidden: true });
  private readonly unfolded = new Set<string>();
  private items: readonly FoundItem[] = [];
  private seen = '';

  /** Without `leaveOut`, which resolves to what is left, there are no buttons. */
  constructor(private leaveOut: ((item: FoundItem) => Promise<readonly FoundItem[]>) | null) {}

  set(items: readonly FoundItem[]): void {
    const seen = JSON.stringify(items);
    if (seen === this.seen) return;
    this.seen = seen;
    this.items = items;
    afterPress(this.element, () => this.draw());
  }

  private draw(): void {
    const { items } = this;
    this.element.hidden = items.length === 0;
    const sources = new Map<string, FoundItem[]>();
    for (const item of items) sources.set(item.source, [...(sources.get(item.source) ?? []), item]);
    const word = h('span', { class: 'nbt-since-word', title: 'Recorded without a log call' }, 'Found');
    keepFocus(this.element, () => this.element.replaceChildren(word, ...[...sources].map(([source, each]) => this.group(source, each)), this.problem));
  }

  private group(source: string, items: readonly FoundItem[]): HTMLElement {
    const all = this.unfolded.has(source) || items.length <= FEW + 1;
    const group = h('span', { class: 'nbt-found-group' }, h('span', { class: 'nbt-found-source' }, sourceText(source)));
    group.append(...(all ? items : items.slice(0, FEW)).map(item => this.chip(item)));
    if (!all) {
      const more = h('button', { type: 'button', class: 'nbt-found-more' }, `and ${items.length - FEW} more`);
      more.addEventListener('click', () => {
        this.unfolded.add(source);
        this.draw();
      });
      group.append(more);
    }
    return group;
  }

  private chip(item: FoundItem): HTMLElement {
    const value = item.value === undefined ? [] : [' = ', h('b', {}, item.value)];
    const chip = h('span', { class: 'nbt-found-item', 'data-kind': item.kind }, item.key, ...value);
    if (this.leaveOut === null) return chip;
    const label = `Leave out the ${item.kind} ${item.key}`;
    const button = h('button', { type: 'button', class: 'nbt-found-out', 'aria-label': label, title: `${label}: it is removed from the run` }, '×');
    button.addEventListener('click', () => void this.remove(item, button));
    chip.append(button);
    return chip;
  }

  private async remove(item: FoundItem, button: HTMLButtonElement): Promise<void> {
    if (button.ariaDisabled === 'true') return;
    button.ariaDisabled = 'true'; // one that is disabled loses the focus
    this.problem.hidden = true;
    try {
      const left = await this.leaveOut?.(item);
      if (left) this.set(left);
    } catch (error) {
      button.ariaDisabled = null;
      this.problem.textContent = messageOf(error);
      this.problem.hidden = false;
    }
  }
}

/** Ask the store of a run to leave out what was found; `onLeft` hears of what is left. */
export function leavesOut(backend: Backend, runId: string, onLeft: (left: readonly FoundItem[]) => void): (item: FoundItem) => Promise<readonly FoundItem[]> {
  return async ({ kind, key }) => {
    const { body } = await backend.ask('run.leave_out', { run_id: runId, kind, key });
    onLeft(body.items);
    return body.items;
  };
}

function sourceText(source: string): string {
  if (source === 'printed' || source === 'last value') return source;
  return source === 'this cell' ? 'in this cell' : `from ${source}`;
}
