import { h } from '../dom';
import type { FullRun, Source } from '../requests';
import { lackingText } from '../actions/run_actions';
import type { Highlighter } from './highlighter';
import { section } from './parts';

export interface SourceHandlers {
  /** Put it into a notebook; null where there is none. */
  insert: (() => void) | null;
  copy(text: string): void;
}

/** The cell of a run, and the earlier ones that it needed. */
export function showSource(
  panel: HTMLElement,
  details: FullRun,
  source: Source,
  highlighter: Highlighter,
  handlers: SourceHandlers
): void {
  const { cells } = source;
  const text = details.source?.text ?? cells.at(-1)?.source;
  if (!text) {
    panel.replaceChildren(h('p', { class: 'nbt-empty' }, 'This run has kept no source: it was not made by a cell.'));
    return;
  }
  const buttons = h('div', { class: 'nbt-buttons' });
  if (handlers.insert) {
    const insert = h('button', { type: 'button', class: 'nbt-lab-button' }, 'Insert into notebook');
    insert.addEventListener('click', handlers.insert);
    buttons.append(insert);
  }
  const copy = h('button', { type: 'button', class: 'nbt-lab-button' }, 'Copy');
  copy.addEventListener('click', () => handlers.copy(text));
  buttons.append(copy);
  const count = details.source?.execution_count;
  const title = count === null || count === undefined ? 'The cell' : `The cell, executed as [${count}]`;
  const parts = [section(title, buttons, highlighter.code(text))];
  const lacking = lackingText(source);
  if (lacking) parts.push(h('p', { class: 'nbt-lacking', role: 'note' }, lacking));
  const earlier = cells.slice(0, -1);
  if (earlier.length > 0) {
    parts.push(
      section(
        'Earlier cells that it needed',
        ...earlier.flatMap(cell => [h('p', { class: 'nbt-why' }, cell.why), highlighter.code(cell.source)])
      )
    );
  }
  panel.replaceChildren(...parts);
}
