import { h } from '../dom';
import { detailNodes } from '../head';
import type { BaselineDiff } from '../requests';
import { linkButton, section } from './parts';

/** What is different from the run before: a line, and code and params on a click. */
export function changesSection({ run_id, name, items, detail }: BaselineDiff, opened: boolean, open: (runId: string) => void): HTMLElement {
  const line = h('div', { class: 'nbt-changes' }, h('span', { class: 'nbt-since-word' }, 'since ', linkButton(name, () => open(run_id))));
  for (const item of items) {
    line.append(h('span', { class: 'nbt-item', 'data-kind': item.kind }, h('span', {}, item.label), ' ', h('b', {}, item.text)));
  }
  const parts: HTMLElement[] = [line];
  const nodes = detailNodes(detail);
  if (nodes.length > 0) {
    const place = h('div', { class: 'nbt-detail', hidden: !opened }, ...nodes);
    const button = linkButton(labelOf(opened), () => {
      place.hidden = !place.hidden;
      button.setAttribute('aria-expanded', String(!place.hidden));
      button.textContent = labelOf(!place.hidden);
    });
    button.setAttribute('aria-expanded', String(opened));
    parts.push(button, place);
  }
  return section('What changed', ...parts);
}

function labelOf(opened: boolean): string {
  return opened ? 'Hide the differences' : 'Show the differences';
}
